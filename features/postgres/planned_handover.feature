@postgres @plan:AE-7 @monthly
Feature: The leadership is handed over as planned, and goes back
  The plan tests the failover every month; in order, it may cost no acknowledged write, neither
  on the way to the standby nor on the way back.

  Scenario: The leadership goes back to the old primary
    Given "orders" is healthy
    And clients write steadily
    And the leadership of "orders" has moved to the standby
    When the leadership of "orders" goes back
    Then writes return as the plan promises
    And writes return within 10 seconds
    And no acknowledged write is lost
