"""The commune's certificate authority and the enrolment of devices."""
