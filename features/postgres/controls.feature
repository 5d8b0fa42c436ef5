@postgres
Feature: The instrument shows what it must
  Drills that must not pass; one that did would make every other verdict worthless.

  @must-fail:rto>=5
  Scenario: Nobody takes over from a dead primary
    Given "orders" is healthy
    And clients write steadily
    And automatic failover of "orders" is switched off
    When the primary of "orders" is killed
    Then writes return within 5 seconds

  @must-be-invalid:victim-changed
  Scenario: Aimed at a process that is not the primary any more
    Given "orders" is healthy
    And clients write steadily
    And the drill is aimed at the primary of "orders"
    And the leadership of "orders" has moved to the standby
    When the primary of "orders" is killed
    Then writes return within 1 minute

  @must-be-invalid:not-healthy-before
  Scenario: Not healthy before anything was done
    Given the replication link of "orders" is cut
    And "orders" is healthy
    And clients write steadily
    When the primary of "orders" is killed
    Then writes return within 1 minute
