# shellcheck shell=sh
# Sourced by the scripts of this directory: where Java is. The test kit looks in the same places.

# Prints the java executable to use, or fails.
find_java() {
    if [ -n "${ZOOKEEPER_JAVA:-}" ]; then
        [ -x "$ZOOKEEPER_JAVA" ] && echo "$ZOOKEEPER_JAVA"
    elif [ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/java" ]; then
        echo "$JAVA_HOME/bin/java"
    else
        command -v java
    fi
}

# Prints the Java compiler to use, or fails.
find_javac() {
    if [ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/javac" ]; then
        echo "$JAVA_HOME/bin/javac"
    else
        command -v javac
    fi
}

# Prints the major version of that java (8, 11, 17, ...), or fails if it does not work.
java_version() {
    version=$("$1" -version 2>&1) || return 1
    version=$(printf '%s\n' "$version" | sed -n 's/.* version "\(1\.\)\{0,1\}\([0-9][0-9]*\).*/\2/p' | head -n 1)
    [ -n "$version" ] && echo "$version"
}
