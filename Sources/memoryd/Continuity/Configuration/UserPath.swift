import Core
import Foundation

/// Paths as people write them.
package enum UserPath {
  /// `HOME`, else what the user database says.
  package static func userFolder(_ environment: [String: String]) -> String? {
    if let home = environment["HOME"], home.hasPrefix("/") { return home }
    guard let entry = getpwuid(getuid()), let folder = entry.pointee.pw_dir else { return nil }
    let path = String(cString: folder)
    return path.hasPrefix("/") ? path : nil
  }

  /// An absolute path: a relative one is against the working folder, `~` the user's own.
  package static func absolute(
    _ path: String, cwd: String, _ environment: [String: String]
  ) -> String {
    if path == "~" || path.hasPrefix("~/"), let user = userFolder(environment) {
      return user + path.dropFirst(1)
    }
    return RegularFile.absolute(path, from: cwd)
  }

  /// A path as people write it in a folder: what lies below it without it.
  package static func relative(_ path: String, to folder: String) -> String {
    path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.count + 1)) : path
  }
}
