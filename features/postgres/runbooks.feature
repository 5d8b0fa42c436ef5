@postgres @plan:AE-2 @monthly
Feature: People bring the database back when nothing does it for them
  Automatic failover is off, as in maintenance. What the runbook says is done step by step; every
  step is held against its own deadline, and what the runbook claims against what clients see.

  Scenario: The standby is promoted by hand
    Given "orders" is healthy
    And clients write steadily
    And automatic failover of "orders" is switched off
    When the primary of "orders" is killed
    And the runbook "promote the standby by hand" is carried out
    Then writes return as the plan promises
    And no more is lost than the plan allows

  @must-fail:claim>=1
  Scenario: Control: the runbook says that all is well while clients fail
    Given "orders" is healthy
    And clients write steadily
    And automatic failover of "orders" is switched off
    When the primary of "orders" is killed
    And the runbook "wait for the automatic failover" is carried out
    Then no acknowledged write is lost
