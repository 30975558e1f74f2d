/** Files: atomic writes, locks, checksums, the baseline and the state directory. */
package org.lsm.storage;
