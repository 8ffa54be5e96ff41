import Foundation
import Git
import TestSupport
import Testing

@testable import Continuity

@Suite(.blocking) struct RepositoryFactsTests {
  private let place: CallPlace

  init() throws {
    place = try CallPlace()
    try place.folder.write([], to: "repository/.git/objects/x")
    try place.folder.write([], to: "repository/.git/refs/x")
    try place.folder.write("ref: refs/heads/first\n".utf8, to: "repository/.git/HEAD")
  }

  private var repository: String { place.folder.path + "/repository" }

  @Test func facts_areReadOnceForACall() throws {
    let repositories = RepositoryFacts(try place.context())
    #expect(repositories.facts(at: repository)?.branch == "first")
    try place.folder.write("ref: refs/heads/second\n".utf8, to: "repository/.git/HEAD")
    #expect(repositories.facts(at: repository)?.branch == "first")
    #expect(RepositoryFacts(try place.context()).facts(at: repository)?.branch == "second")
  }

  @Test func folderWithoutRepository_isLookedAtOnceToo() throws {
    let repositories = RepositoryFacts(try place.context())
    #expect(repositories.here == nil)
    try FileManager.default.moveItem(
      atPath: repository + "/.git", toPath: place.folder.path + "/.git")
    #expect(repositories.here == nil)
    #expect(RepositoryFacts(try place.context()).here?.branch == "first")
  }
}
