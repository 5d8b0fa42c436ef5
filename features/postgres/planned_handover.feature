@postgres @plan:AE-7 @monthly
Feature: The leadership is handed over as planned
  The plan tests the failover every month; in order, it may cost no acknowledged write.

  Scenario: The primary hands over to its standby
    Given "orders" is healthy
    And clients write steadily
    When the primary of "orders" hands over to its standby
    Then writes return as the plan promises
    And writes return within 10 seconds
    And no acknowledged write is lost
