package org.lsm;

/** Sets of the table of outbound connections as JSON, as nft 1.0.6 prints them. */
public final class OutboundSet {
  private OutboundSet() {}

  /** A set with these elements. */
  public static String of(String... elements) {
    String list = elements.length == 0 ? "" : ", \"elem\": [" + String.join(", ", elements) + "]";
    return "{\"nftables\": [{\"metainfo\": {\"version\": \"1.0.6\", \"json_schema_version\": 1}},"
        + " {\"set\": {\"family\": \"inet\", \"name\": \"new4\", \"table\": \"lsm_outbound\","
        + " \"flags\": [\"timeout\", \"dynamic\"]"
        + list
        + "}}]}\n";
  }

  /** An element with this key, the parts with commas between, and further fields. */
  public static String element(String key, String fields) {
    return "{\"elem\": {\"val\": {\"concat\": [" + key + "]}, " + fields + "}}";
  }

  /** An element that was added ten seconds ago. */
  public static String element(String key) {
    return element(key, "\"timeout\": 86400, \"expires\": 86390");
  }
}
