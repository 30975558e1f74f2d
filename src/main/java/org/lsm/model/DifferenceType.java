package org.lsm.model;

/** How an endpoint differs. */
public enum DifferenceType {
  NEW,
  GONE,
  CHANGED
}
