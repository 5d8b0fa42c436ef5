@postgres @plan:AE-2 @monthly
Feature: The database server dies at the worst moment
  A takeover is hardest while an earlier one is not over: the other server is not ready yet.

  Scenario: The successor dies as soon as it has a follower
    Given "orders" is healthy
    And clients write steadily
    When the primary of "orders" is killed and then its successor
    Then writes return as the plan promises
    And no more is lost than the plan allows

  Scenario: The primary dies while the standby rejoins
    Given "orders" is healthy
    And clients write steadily
    And the standby of "orders" has just been killed
    When the primary of "orders" is killed
    Then writes return as the plan promises
    And no more is lost than the plan allows

  Scenario: The primary dies while its base backup is taken
    Given "orders" is healthy
    And clients write steadily
    And a base backup of "orders" is running
    When the primary of "orders" is killed
    Then writes return as the plan promises
    And no more is lost than the plan allows
