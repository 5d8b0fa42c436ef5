@postgres
Feature: The manager of the primary dies and nobody demotes the primary
  Clients notice nothing, so availability looks perfect; the standby takes over when the leader
  key has run out, and what the old primary still acknowledges is thrown away.

  @must-fail:lost>=300
  Scenario: Control: nothing stops the old primary from acknowledging writes
    Given "orders" is healthy
    And clients write steadily
    When the manager of the primary of "orders" dies alone
    Then no acknowledged write is lost
