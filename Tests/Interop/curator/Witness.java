import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Appends lines to a file that all programs write to: their order is that of what happened. */
final class Witness {
    private final FileOutputStream file;
    private final String name;

    Witness(String file, String name) throws IOException {
        this.file = new FileOutputStream(file, true);
        this.name = name;
    }

    void begin(String claim, String path) throws IOException {
        tell("begin " + claim + " " + name + " " + node(path));
    }

    void end(String claim, String path, int from, int to) throws IOException {
        tell("end " + claim + " " + name + " " + node(path) + " " + from + " " + to);
    }

    private void tell(String line) throws IOException {
        // One write, which the system appends as a whole.
        file.write((line + "\n").getBytes(StandardCharsets.UTF_8));
    }

    private static String node(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }
}
