@postgres @plan:AE-2 @monthly
Feature: The database server is lost with its machine
  The plan promises that the replica is promoted within 2 hours and that at most 5 minutes of
  acknowledged writes are lost. Nothing on the lost machine can help; the others must notice.

  Scenario: The machine of the primary is lost
    Given "orders" is healthy
    And clients write steadily
    When the machine of the primary of "orders" is lost
    Then writes return as the plan promises
    And no more is lost than the plan allows
    And writes return within 1 minute
