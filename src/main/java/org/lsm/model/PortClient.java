package org.lsm.model;

import java.time.Instant;

/** A host that sent so many packets to a port; of TCP, those that begin a connection. */
public record PortClient(String address, long packets, Instant first, Instant last) {}
