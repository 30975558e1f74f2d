package org.lsm.model;

public enum DifferenceType {
  NEW,
  CHANGED,
  GONE
}
