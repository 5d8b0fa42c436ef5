@postgres @plan:KE-6 @monthly
Feature: The database is lost and nothing may be lost with it
  The plan promises automatic failover within 3 minutes and no acknowledged write lost.

  Scenario: The primary of a synchronous pair is killed
    Given "payments" is healthy
    And clients write steadily
    When the primary of "payments" is killed
    Then writes return as the plan promises
    And no more is lost than the plan allows
    And no acknowledged write is lost
