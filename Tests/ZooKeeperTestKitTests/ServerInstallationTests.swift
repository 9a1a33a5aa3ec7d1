import Testing

@testable import ZooKeeperTestKit

@Suite struct ServerInstallationTests {
    private func files(_ paths: String...) -> FileQueries {
        FileQueries(exists: { paths.contains($0) }, isExecutable: { paths.contains($0) })
    }

    private func failure(_ environment: [String: String], _ files: FileQueries) -> TestKitError? {
        do throws(TestKitError) {
            _ = try ServerInstallation(environment: environment, files: files)
            return nil
        } catch {
            return error
        }
    }

    @Test func `Java comes from PATH, in its order`() throws {
        let files = files("/b/java", "/c/java", "/usr/share/java/zookeeper.jar")
        let found = try ServerInstallation(environment: ["PATH": "/a:/b:/c"], files: files)
        #expect(found.java == "/b/java")
    }

    @Test func `JAVA_HOME comes before PATH, and a stale one does no harm`() throws {
        let files = files("/home/bin/java", "/b/java", "/usr/share/java/zookeeper.jar")
        let path = ["PATH": "/b"]
        let good = try ServerInstallation(environment: path.merging(["JAVA_HOME": "/home"]) { $1 }, files: files)
        #expect(good.java == "/home/bin/java")
        let stale = try ServerInstallation(environment: path.merging(["JAVA_HOME": "/old"]) { $1 }, files: files)
        #expect(stale.java == "/b/java")
    }

    @Test func `ZOOKEEPER_JAVA comes first, and a wrong one is an error`() throws {
        let files = files("/mine", "/home/bin/java", "/usr/share/java/zookeeper.jar")
        let home = ["JAVA_HOME": "/home"]
        let good = try ServerInstallation(environment: home.merging(["ZOOKEEPER_JAVA": "/mine"]) { $1 }, files: files)
        #expect(good.java == "/mine")
        let wrong = try #require(failure(home.merging(["ZOOKEEPER_JAVA": "/gone"]) { $1 }, files))
        #expect(wrong.code == .javaMissing)
        #expect(wrong.description.contains("/gone"))
    }

    @Test func `Relative entries of PATH are not searched`() throws {
        let files = files("bin/java", "/usr/share/java/zookeeper.jar")
        #expect(failure(["PATH": "bin:."], files)?.code == .javaMissing)
    }

    @Test func `Without Java the error names the places and the commands`() throws {
        let error = try #require(failure(["PATH": "/a:/b", "JAVA_HOME": "/home"], files()))
        #expect(error.code == .javaMissing)
        for part in [
            "/home/bin/java, /a/java, /b/java", "./zk-config/setup",
            "apt-get install default-jre-headless libzookeeper-java", "ZOOKEEPER_JAVA",
        ] {
            #expect(error.description.contains(part))
        }
    }

    @Test func `Without the jars the error names the place and the commands`() throws {
        let error = try #require(failure(["PATH": "/b"], files("/b/java")))
        #expect(error.code == .jarsMissing)
        for part in [
            "/usr/share/java/zookeeper.jar", "./zk-config/setup",
            "apt-get install default-jre-headless libzookeeper-java", "ZOOKEEPER_CLASSPATH",
        ] {
            #expect(error.description.contains(part))
        }
    }

    @Test func `The class path has a logging back end where there is one`() throws {
        let jars = ["/usr/share/java/zookeeper.jar", "/usr/share/java/slf4j-simple.jar"]
        let bare = try ServerInstallation(environment: ["PATH": "/b"], files: files("/b/java", jars[0]))
        #expect(bare.classPath == jars[0])
        let full = try ServerInstallation(environment: ["PATH": "/b"], files: files("/b/java", jars[0], jars[1]))
        #expect(full.classPath == jars[0] + ":" + jars[1])
    }

    @Test func `ZOOKEEPER_CLASSPATH replaces the jars, and a wrong entry is named`() throws {
        let files = files("/b/java", "/zk/conf", "/zk/lib")
        let environment = ["PATH": "/b", "ZOOKEEPER_CLASSPATH": "/zk/conf:/zk/lib/*"]
        #expect(try ServerInstallation(environment: environment, files: files).classPath == "/zk/conf:/zk/lib/*")
        let wrong = environment.merging(["ZOOKEEPER_CLASSPATH": "/zk/lib/*:/zk/no.jar"]) { $1 }
        let error = try #require(failure(wrong, files))
        #expect(error.code == .jarsMissing)
        #expect(error.description.contains("/zk/no.jar"))
    }
}
