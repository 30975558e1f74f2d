/** A service without sockets of its own; -Dcom.sun.management.jmxremote.port makes Java open some. */
public final class Jmx {
  public static void main(String[] arguments) throws InterruptedException {
    Thread.currentThread().join();
  }
}
