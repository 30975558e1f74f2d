/** Reports as documents (text and HTML), as JSON and as metrics; their output is escaped here. */
package org.lsm.report;
