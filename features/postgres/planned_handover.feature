@postgres @plan:AE-7 @monthly
Feature: The leadership is handed over as planned, and goes back
  The plan tests the failover every month; in order, it may cost no acknowledged write, neither
  on the way to the standby nor on the way back.

  Scenario: The primary hands over to its standby
    Given "orders" is healthy
    And clients write steadily
    When the primary of "orders" hands over to its standby
    Then writes return as the plan promises
    And writes return within 10 seconds
    And no acknowledged write is lost

  Scenario: The old primary leads again
    Given "orders" is healthy
    And clients write steadily
    And the leadership of "orders" has moved to the standby
    When the old primary of "orders" is made to lead again
    Then writes return as the plan promises
    And the recovery is proved within 30 seconds
    And no acknowledged write is lost
