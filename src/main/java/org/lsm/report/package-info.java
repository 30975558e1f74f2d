/** Reports as documents (text and HTML), as JSON and as metrics; all escaping of output. */
package org.lsm.report;
