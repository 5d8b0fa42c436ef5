@null
Feature: The toy breaks as it is told
  firemarshal's own kernel, keeper, recorder and journal are drilled here, without any cluster.

  Scenario: The toy refuses for a second and comes back
    Given "toy" is healthy
    And clients write steadily
    When "toy" refuses every request for 1 second
    Then writes return within 3 seconds
    And no acknowledged write is lost

  Scenario: The toy dies and is restarted
    Given "toy" is healthy
    And clients write steadily
    When the process of "toy" is killed
    Then writes return within 3 seconds

  @must-fail:lost>=50
  Scenario: Control: the toy forgets
    Given "toy" is healthy
    And clients write steadily
    When "toy" forgets what it acknowledges for 1 second
    Then no acknowledged write is lost
