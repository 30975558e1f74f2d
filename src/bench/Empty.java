/** Does nothing: what remains is the start of the Java virtual machine. */
final class Empty {
  public static void main(String[] args) {}
}
