package org.lsm.model;

public enum DifferenceType {
  NEW,
  GONE,
  CHANGED
}
