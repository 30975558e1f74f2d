import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Opcodes;

/**
 * Raises the class files in a jar to Java 17 and adds stack maps: {@code RaiseClasses JAR}, with
 * the classes of the jar on the class path, because ASM loads them to compute stack maps. Those of
 * picocli have version 49, without stack maps, and an archive of linked classes takes none below
 * version 50. The code stays as it is.
 */
final class RaiseClasses {
  private static final short VERSION = Opcodes.V17;
  private static final int MAJOR_VERSION = 6; // its offset in a class file

  public static void main(String[] args) throws IOException {
    ByteArrayOutputStream raised = new ByteArrayOutputStream();
    try (JarFile jar = new JarFile(args[0]);
        JarOutputStream out = new JarOutputStream(raised)) {
      for (JarEntry entry : jar.stream().toList()) {
        ZipEntry copy = new ZipEntry(entry.getName());
        copy.setTimeLocal(entry.getTimeLocal());
        out.putNextEntry(copy);
        if (entry.getName().equals(JarFile.MANIFEST_NAME)) {
          marked(jar.getManifest()).write(out);
        } else {
          byte[] content = jar.getInputStream(entry).readAllBytes();
          out.write(entry.getName().endsWith(".class") ? raise(content) : content);
        }
      }
    }
    Files.write(Path.of(args[0]), raised.toByteArray());
  }

  /** The Apache licence requires a notice in what was changed. */
  private static Manifest marked(Manifest manifest) {
    String notice = "by lsm: class files raised to version " + VERSION + ", stack maps added";
    manifest.getMainAttributes().put(new Attributes.Name("Changed"), notice);
    return manifest;
  }

  private static byte[] raise(byte[] content) {
    ByteBuffer header = ByteBuffer.wrap(content);
    if (header.getShort(MAJOR_VERSION) >= VERSION) {
      return content;
    }
    header.putShort(MAJOR_VERSION, VERSION);
    ClassWriter writer = new ClassWriter(ClassWriter.COMPUTE_FRAMES);
    new ClassReader(content).accept(writer, 0);
    return writer.toByteArray();
  }
}
