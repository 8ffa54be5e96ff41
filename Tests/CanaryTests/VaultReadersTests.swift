import Foundation
import TestSupport
import Testing

@testable import Canary
@testable import Core
@testable import Vault

@Suite(.blocking) struct VaultReadersTests {
  private func json(_ text: String) -> JSON { JSON(parsing: text.utf8) ?? .null }

  @Test func backup_isReadTableByTable() throws {
    let backup = try #require(
      VaultBackup(
        json(
          """
          {"exported_at": "t", "kv_tasks": {"count": 1, "data": [{"id": "T", "status": "open"}]},
           "d1": {"checkpoints": {"count": 1, "data": [{"id": "C", "content": "c"}]},
                  "decisions": {"count": 2, "data": [
                    {"id": "D", "decision": "d", "rationale": "r"},
                    {"id": "E", "decision": "e", "rationale": "s", "task_id": null}]},
                  "stages": {"count": 0, "data": []}}}
          """)))
    #expect(backup.tasks?.rows.map(\.id) == ["T"] && backup.tasks?.isWhole == true)
    #expect(backup.checkpoints?.rows.map(\.id) == ["C"])
    #expect(backup.decisions?.rows.map(\.rationale) == ["r", "s"])
  }

  /// As memoryd 0.1 gave it, which may be somebody's vault.
  @Test func bareArrays_areTablesToo() throws {
    let backup = try #require(
      VaultBackup(json(#"{"d1": {"checkpoints": [], "decisions": [{"id": "D"}]}}"#)))
    #expect(backup.decisions?.rows.count == 1 && backup.decisions?.isWhole == true)
    #expect(backup.tasks == nil)
  }

  @Test func tableThatCannotBeRead_leavesTheOthers() throws {
    let backup = try #require(
      VaultBackup(
        json(
          """
          {"kv_tasks": 7, "d1": {"checkpoints": {"rows": []},
           "decisions": {"count": 3, "data": [{"id": "D"}]}}}
          """)))
    #expect(backup.tasks == nil && backup.checkpoints == nil)
    // One that speaks of more rows than it holds, or holds one that cannot be read.
    #expect(backup.decisions?.isWhole == false)
    let odd = VaultBackup(json(#"{"d1": {"decisions": {"count": 1, "data": [{"text": 1}]}}}"#))
    #expect(odd?.decisions?.isWhole == false)
    #expect(VaultBackup(json(#"{"error": "no"}"#)) == nil)
    #expect(VaultBackup(json("[]")) == nil)
  }

  @Test(arguments: [
    ("task.add failed: context required when source=auto", true, true),
    ("decide requires: decision, rationale", true, true),
    ("KV PUT failed: 500", true, false),
    ("D1_ERROR: no such column: requires", true, false),
    (
      "MCP error -32602: Input validation error: Invalid arguments for tool task: 'not found'",
      false, true
    ),
    ("MCP error -32602: Tool portal_task not found", false, false),
    ("MCP error -32603: Internal error", false, false),
    ("Output validation error: -32602", false, false),
  ])
  func permanent_isOnlyWhatTheVaultsCheckRefuses(text: String, isJSON: Bool, isPermanent: Bool) {
    #expect(MCPClient.isValidation(text, isJSON: isJSON) == isPermanent)
  }

  // MARK: Proxies

  private func proxy(
    _ url: String, _ setting: String = "", _ environment: [String: String] = [:]
  ) throws -> String? {
    try VaultProxy.chosen(for: url, setting: setting, environment: environment)?.origin
  }

  @Test func proxy_comesFromTheSetting_elseTheEnvironment() throws {
    let environment = [
      "HTTPS_PROXY": "http://user:pass-word@big.example.org:3128",
      "http_proxy": "small.example.org",
      "ALL_PROXY": "socks5://all.example.org",
    ]
    let vault = "https://vault.example.org/mcp"
    #expect(try proxy(vault) == nil)
    #expect(try proxy(vault, "", environment) == "http://big.example.org:3128")
    #expect(try proxy(vault, "http://own.example.org:8", environment) == "http://own.example.org:8")
    #expect(try proxy(vault, "none", environment) == nil)
    #expect(
      try proxy("http://vault.example.org/mcp", "", environment) == "http://small.example.org:80")
    #expect(
      try proxy(vault, "", ["ALL_PROXY": "socks5://all.example.org"])
        == "socks5://all.example.org:1080")
    let chosen = try VaultProxy.chosen(for: vault, setting: "", environment: environment)
    #expect(chosen?.secrets == ["pass-word"])
  }

  @Test(arguments: [
    "127.0.0.1", "127.8.9.10", "localhost", "vault.localhost", "[::1]", "LOCALHOST", "127.1",
    "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0",
  ])
  func loopback_neverHasAProxy(host: String) throws {
    #expect(try proxy("http://\(host):80/mcp", "http://own.example.org:8") == nil)
    #expect(try proxy("https://\(host)/mcp", "", ["https_proxy": "http://p.example.org"]) == nil)
  }

  @Test(arguments: [
    ("vault.example.org", true), (".example.org", true), ("*.example.org", true), ("*", true),
    ("example.org", true), ("ple.org", false), ("other.org, vault.example.org:443", true),
    ("vault.example.org:8443", false), ("", false), (",,", false),
  ])
  func exemptions_areNamesAndWhatIsBelow(list: String, isExempt: Bool) {
    #expect(VaultProxy.isExempt("vault.example.org", port: 443, from: list) == isExempt)
  }

  @Test func exemptions_areBlocksOfAddressesToo() {
    #expect(VaultProxy.isExempt("10.1.2.3", port: 80, from: "10.0.0.0/8"))
    #expect(!VaultProxy.isExempt("11.1.2.3", port: 80, from: "10.0.0.0/8"))
    #expect(VaultProxy.isExempt("10.1.2.3", port: 80, from: "0.0.0.0/0"))
    #expect(!VaultProxy.isExempt("10.1.2.3", port: 80, from: "10.1.2.0/33, 10.1.2/24"))
  }

  @Test(arguments: ["https://p.example.org", "ftp://p.example.org", "http://", "socks5://u@h"])
  func whatIsNoProxy_isToldByItsName(value: String) {
    #expect {
      try proxy("https://vault.example.org/mcp", value)
    } throws: {
      let failure = $0 as? VaultFailure
      return failure?.reason == .misconfigured && failure?.detail.contains("vault.proxy") == true
    }
  }
}
