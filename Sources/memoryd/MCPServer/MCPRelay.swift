package import Continuity
package import Core
import Foundation
import IPC

/// Hands MCP messages to the daemon, one connection each: the two need nothing of each other
/// between messages, so that either may go away at any time.
package struct MCPRelay {

  private let invocation: Invocation
  private let environment: [String: String]

  package init(invocation: Invocation, home: String?) {
    self.invocation = invocation
    var environment = invocation.environment
    if let home {
      environment["MEMORYD_HOME"] = UserPath.absolute(home, cwd: invocation.cwd, environment)
    }
    self.environment = environment
  }

  /// - Returns: The answer's bytes, empty where none is due; nil if this process is to answer.
  package func ask(_ line: [UInt8], requestID: RequestID) -> [UInt8]? {
    let cwd = invocation.cwd
    guard environment["MEMORYD_NO_DAEMON"] == nil,
      let path = Relay.socketPath(variable: { environment[$0] }, cwd: { cwd }),
      let place = RelayRequest.Place(cwd), let socket = Socket.connect(to: path)
    else { return nil }
    let request = RelayRequest(
      id: requestID.rawValue, flags: .hasInput, cwd: cwd, cwdPlace: place,
      mounts: RelayRequest.Place.mounts, arguments: Relay.message,
      environment: RelayRequest.carried(of: environment.map { "\($0.key)=\($0.value)" }),
      input: line)
    return RelayCall(socket: socket).make(request).map(\.output)
  }
}
