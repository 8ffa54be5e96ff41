import Core
import TestSupport
import Testing

@testable import Canary
@testable import Vault

@Suite(.blocking) struct HealthStateMachineTests {
  private func step(
    _ observation: HealthStateMachine.Observation, _ health: VaultHealth?, at now: Int64,
    jitter: Double = 1
  ) -> HealthStateMachine.Step {
    HealthStateMachine.observe(
      observation, health: health, vault: "v", now: now, jitter: jitter, time: { "T\($0)" })
  }

  private let refused = VaultFailure(.unreachable, "connection refused", delivery: .notApplied)
  private let late = VaultFailure(.timeout, "too late")

  @Test func firstProbe_settlesTheModeWithoutNews() {
    let good = step(.probeSucceeded(latency: .milliseconds(7)), nil, at: 10)
    #expect(good.health.mode == .normal && !good.changedMode && good.health.unlogged.isEmpty)
    #expect(good.health.latency == .milliseconds(7) && good.health.since == 10)
    let bad = step(.probeFailed(refused), nil, at: 10)
    #expect(bad.health.mode == .degraded && bad.changedMode)
    #expect(bad.health.unlogged == ["T10 entered unreachable connection refused"])
  }

  @Test func probes_settleEitherWay_andKeepTheTimeOfTheChange() {
    var health = step(.probeFailed(refused), nil, at: 10).health
    health = step(.probeFailed(late), health, at: 20).health
    #expect(health.since == 10 && health.reason == .timeout && health.unlogged.count == 1)
    let back = step(.probeSucceeded(latency: .milliseconds(1)), health, at: 30)
    #expect(back.changedMode && back.health.mode == .normal && back.health.since == 30)
    #expect(back.health.unlogged.last == "T30 left timeout vault answers")
    #expect(back.health.transitions == 2)
  }

  @Test func lostAnswers_areNoTransition_howeverMany() {
    var health = step(.probeSucceeded(latency: .milliseconds(1)), nil, at: 1).health
    let handshake = {
      var failure = VaultFailure(.unreachable, "closed without an answer")
      failure.delivery = .notApplied
      return failure
    }()
    for failure in [late, VaultFailure(.serverError, "HTTP 502"), handshake, late] {
      health = step(.callFailed(failure), health, at: 2).health
    }
    #expect(health.mode == .normal && health.transitions == 0 && health.unlogged.isEmpty)
    #expect(step(.probeFailed(late), health, at: 3).health.mode == .degraded)
  }

  @Test func callThatIsAskedToComeLater_isObeyed() {
    let health = step(.probeSucceeded(latency: .milliseconds(1)), nil, at: 1).health
    let busy = VaultFailure(.serverError, "HTTP 503", retryAfter: .seconds(5))
    #expect(step(.callFailed(busy), health, at: 2).health.retryAt == 5002)
  }

  @Test func callThatWasNeverTaken_degradesAtOnce() {
    let health = step(.probeSucceeded(latency: .milliseconds(1)), nil, at: 1).health
    #expect(step(.callFailed(refused), health, at: 2).health.mode == .degraded)
  }

  @Test func answerAboutOneCall_saysNothingOfTheVault() {
    let health = step(.probeSucceeded(latency: .milliseconds(1)), nil, at: 1).health
    let failure = VaultFailure(.toolError, "no", isAboutThisCall: true)
    #expect(step(.callFailed(failure), health, at: 2).health == health)
  }

  @Test func backoff_doublesWithJitterToALimit() {
    var health: VaultHealth?
    var waits: [Int64] = []
    for _ in 0..<12 {
      health = step(.probeFailed(late), health, at: 0).health
      waits.append(health!.nextProbeAt)
    }
    #expect(waits.prefix(4) == [1000, 2000, 4000, 8000])
    #expect(waits.last == HealthStateMachine.longestBackoff.milliseconds)
    #expect(step(.probeFailed(late), nil, at: 0, jitter: 0).health.nextProbeAt == 500)
  }

  @Test func flapping_keepsTheBackoffUntilTheVaultIsWellTwice() {
    var health: VaultHealth?
    for _ in 0..<4 { health = step(.probeFailed(late), health, at: 0).health }
    health = step(.probeSucceeded(latency: .milliseconds(1)), health, at: 0).health
    let again = step(.probeFailed(late), health, at: 0).health
    #expect(again.failures == 5)
    health = step(.probeSucceeded(latency: .milliseconds(1)), again, at: 0).health
    health = step(.probeSucceeded(latency: .milliseconds(1)), health, at: 0).health
    #expect(step(.probeFailed(late), health, at: 0).health.failures == 1)
  }

  @Test func retryAfter_holdsPeopleToo_backoffDoesNot() {
    let busy = VaultFailure(.rateLimited, "429", delivery: .notApplied, retryAfter: .seconds(5))
    let health = step(.probeFailed(busy), nil, at: 100).health
    #expect(HealthStateMachine.wait(health, asker: .person, now: 1100) == .milliseconds(4000))
    #expect(HealthStateMachine.wait(health, asker: .person, now: 5100) == .zero)
    let down = step(.probeFailed(late), nil, at: 100).health
    #expect(HealthStateMachine.wait(down, asker: .person, now: 100) == .zero)
    #expect(HealthStateMachine.wait(down, asker: .background, now: 100) == .milliseconds(1000))
  }

  @Test func clockSetBack_doesNotLockTheVaultOut() {
    let busy = VaultFailure(.rateLimited, "429", delivery: .notApplied, retryAfter: .seconds(5))
    let health = step(.probeFailed(busy), nil, at: 900_000_000).health
    #expect(HealthStateMachine.wait(health, asker: .person, now: 1000) == .zero)
  }

  @Test func claimedProbe_keepsOthersAway() {
    let health = step(.probeFailed(late), nil, at: 0, jitter: 0).health
    let claimed = HealthStateMachine.claimProbe(health, now: 600, timeout: .milliseconds(1500))
    #expect(HealthStateMachine.wait(health, asker: .background, now: 600) == .zero)
    #expect(HealthStateMachine.wait(claimed, asker: .background, now: 700) == .milliseconds(1400))
  }

  @Test func anotherVault_startsAnew() {
    let health = step(.probeFailed(late), nil, at: 0).health
    let other = HealthStateMachine.observe(
      .probeSucceeded(latency: .milliseconds(1)), health: health, vault: "w", now: 5, jitter: 0,
      time: { "\($0)" })
    #expect(other.health.vault == "w" && other.health.transitions == 0 && !other.changedMode)
  }
}

@Suite(.blocking) struct VaultEndpointTests {
  @Test func secretPath_isNeverShown() throws {
    let endpoint = try VaultEndpoint(
      url: "https://vault.example:8443/{token}/mcp", token: "s3cretS3cret", authentication: .path)
    #expect(endpoint.url == "https://vault.example:8443/s3cretS3cret/mcp")
    #expect(endpoint.origin == "https://vault.example:8443")
    #expect(endpoint.secrets.contains("s3cretS3cret"))
  }

  @Test(arguments: ["", "ftp://x/", "http://", "not a url", "http://u:p@h/mcp"])
  func badURL_isMisconfigured(url: String) {
    #expect(throws: VaultFailure.self) {
      try VaultEndpoint(url: url, token: "", authentication: .bearer)
    }
  }

  @Test func tokenWithALineEnd_isRefused() {
    #expect(throws: VaultFailure.self) {
      try VaultEndpoint(url: "http://h/mcp", token: "a\nHost: b", authentication: .bearer)
    }
  }
}
