import Foundation
import Testing

@testable import MemoryStore

/// Which project a place is, and what is told apart.
@Suite struct ProjectStoreTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func place(
    _ root: String, file: String? = nil, remote: String? = nil, head: String? = nil,
    name: String = "plum", isRepository: Bool = true
  ) -> ProjectReference {
    ProjectReference(
      identity: remote ?? root, name: name, root: root,
      marks: ProjectMarks(
        root: root, gitFolder: isRepository ? root + "/.git" : nil,
        gitFile: isRepository ? file ?? "b:" + root : nil, remote: remote, head: head))
  }

  @discardableResult
  private func add(
    _ title: String, _ project: ProjectReference?, session: String? = nil, cwd: String? = nil,
    at: Int64 = 1000, _ database: MemoryDatabase
  ) throws -> String {
    try database.commit(
      StoreWrite(
        requestID: UUID().uuidString, at: at, project: project,
        session: session.map { SessionReference(id: $0, cwd: cwd) },
        operation: .addTask(TaskDraft(title: title, source: "cc")))
    ).id
  }

  private func titles(_ project: ProjectReference, _ database: MemoryDatabase) throws -> [String] {
    try database.tasks(
      status: "open", filter: RecordFilter(place: database.known(project))
    ).map(\.title).sorted()
  }

  @Test func namesakes_areToldApart() throws {
    let database = try folder.database()
    let (a, b) = (place("/w/api", remote: "h/one/api"), place("/p/api", remote: "h/two/api"))
    try add("one", a, database)
    try add("two", b, database)
    #expect(try titles(a, database) == ["one"] && titles(b, database) == ["two"])
    #expect(try database.openTaskCount(database.known(a)) == 1)
  }

  @Test func newMarks_ofAKnownFolder_joinIt() throws {
    let database = try folder.database()
    try add("bare", place("/w/a"), database)
    // A remote, another one, a link or a move, a worktree (which has the same git folder).
    for again in [
      place("/w/a", remote: "h/o/a"), place("/w/a", remote: "h/o/b"),
      place("/elsewhere/a", file: "b:/w/a"),
      ProjectReference(
        identity: "x", name: "x",
        marks: ProjectMarks(root: "/w/side", gitFolder: "/w/a/.git", gitFile: "b:/w/a")),
    ] {
      #expect(try titles(again, database).contains("bare"))
      try add("again", again, database)
      #expect(try titles(place("/w/a"), database).contains("bare"))
    }
    #expect(try database.projects().count == 1)
  }

  @Test func namingARemote_isNotEnough() throws {
    let database = try folder.database()
    let own = place("/w/secret", remote: "h/me/secret", head: "aa11")
    try add("private", own, database)
    #expect(try titles(place("/evil", remote: "h/me/secret"), database).isEmpty)
    #expect(try titles(place("/evil", remote: "h/me/secret", head: "bb22"), database).isEmpty)
    // The same commit under another remote is another project; under the same one a clone.
    #expect(try titles(place("/fork", remote: "h/x/secret", head: "aa11"), database).isEmpty)
    #expect(
      try titles(place("/clone", remote: "H/Me/Secret", head: "aa11"), database) == ["private"])
    #expect(try titles(place("/local", remote: "/w/secret", head: "aa11"), database) == ["private"])
    try database.setPrivate(true, try #require(try database.known(own).id), at: 1)
    #expect(try titles(place("/clone", remote: "h/me/secret", head: "aa11"), database).isEmpty)
    #expect(try titles(own, database) == ["private"])
  }

  @Test func anotherRepositoryAtAKnownPath_isAnotherProject() throws {
    let database = try folder.database()
    try add("old", place("/w/a", file: "b1", head: "aa"), database)
    #expect(try titles(place("/w/a", file: "b2", head: "bb"), database).isEmpty)
    #expect(try titles(place("/w/a", file: "b2", head: "aa"), database) == ["old"])
    // A folder that became a repository, and one that is none any more.
    try add("plain", place("/w/n", isRepository: false), database)
    #expect(try titles(place("/w/n", file: "b3"), database) == ["plain"])
    #expect(try titles(place("/w/a", isRepository: false), database) == ["old"])
  }

  @Test func inodeWithoutBirth_isNoProofElsewhere() throws {
    let database = try folder.database()
    try add("old", place("/w/a", file: "d1:7", head: "aa"), database)
    #expect(try titles(place("/w/b", file: "d1:7", head: "bb"), database).isEmpty)
    #expect(try titles(place("/w/b", file: "d1:7", head: "aa"), database) == ["old"])
  }

  @Test func cloneThatIsAhead_joinsOnceGitWasAsked() throws {
    let database = try folder.database()
    let first = place("/w/a", remote: "h/o/a", head: "aa")
    let clone = place("/w/b", remote: "h/o/a", head: "cc")
    try add("one", first, database)
    try add("two", clone, database)
    #expect(try titles(clone, database) == ["two"])
    #expect(try database.needsHistory(database.known(clone), at: 2000))
    #expect(try database.learn(clone, first: ["r"], commits: ["cc", "bb", "aa"], at: 2000))
    #expect(try titles(clone, database) == ["one", "two"])
    #expect(try titles(first, database) == ["one", "two"])
    #expect(try !database.needsHistory(database.known(clone), at: 3000))
    // Parted by a person, and left so.
    let marks = try #require(clone.marks)
    let part = try #require(try database.row(ofPlace: marks))
    #expect(try database.part(part) != nil)
    #expect(try titles(first, database) == ["one"])
    #expect(try !database.learn(clone, first: ["r"], commits: ["aa"], at: 4000))
    #expect(try titles(clone, database) == ["two"])
  }

  @Test func firstCommit_onlySuggests() throws {
    let database = try folder.database()
    let (a, b) = (place("/w/a", head: "a1"), place("/w/b", head: "b1"))
    try add("one", a, database)
    try add("two", b, database)
    for place in [a, b] {
      _ = try database.learn(place, first: ["root"], commits: ["root"], at: 2000)
    }
    #expect(try titles(b, database) == ["two"])
    let (known, other) = (try database.known(b), try database.known(a))
    #expect(try database.resembling(known).map(\.id) == [other.id])
    try database.keepApart(try #require(known.id), try #require(other.id))
    #expect(try database.resembling(known).isEmpty)
  }

  @Test func join_isTakenBackExactly() throws {
    let database = try folder.database()
    let (a, b, c) = (place("/w/a", name: "a"), place("/w/b", name: "b"), place("/w/c", name: "c"))
    for (index, place) in [a, b, c].enumerated() { try add("\(index)", place, database) }
    func id(_ place: ProjectReference) throws -> Int64 {
      let marks = try #require(place.marks)
      return try #require(try database.row(ofPlace: marks))
    }
    let before = try database.projects()
    _ = try database.join(id(c), into: id(b), at: 1)
    _ = try database.join(id(b), into: id(a), at: 1)
    #expect(try titles(c, database) == ["0", "1", "2"])
    #expect(try database.known(c).name == "a")
    #expect(throws: StoreError.self) { try database.join(id(a), into: id(c), at: 1) }
    _ = try database.part(id(b))
    #expect(try titles(a, database) == ["0"] && titles(b, database) == ["1", "2"])
    _ = try database.part(id(c))
    #expect(try database.projects() == before)
  }

  @Test func split_takesTheSessionsOfAFolder() throws {
    let database = try folder.database()
    let whole = place("/w/a", remote: "h/o/a")
    try add("here", whole, session: "s1", cwd: "/w/a", database)
    try add("there", whole, session: "s2", cwd: "/v/a", database)
    try add("by hand", whole, database)
    let part = MemoryDatabase.Part(project: place("/v/a", remote: "h/o/a"), folders: ["/v/a"])
    let id = try #require(try database.known(whole).id)
    let new = try database.split(part, outOf: id, at: 5000)
    #expect(try titles(whole, database) == ["by hand", "here"])
    #expect(try titles(part.project, database) == ["there"])
    #expect(
      try database.search(
        "there", filter: RecordFilter(place: database.known(part.project))
      ).count == 1)
    _ = try database.join(new, into: id, at: 1)
    #expect(try titles(whole, database) == ["by hand", "here", "there"])
  }

  @Test func session_belongsToWhereItBegan() throws {
    let database = try folder.database()
    let (a, b) = (place("/w/a"), place("/w/b"))
    try add("first", a, session: "s", cwd: "/w/a", database)
    try add("walked", b, session: "s", cwd: "/w/b", database)
    // By hand it goes where it is said.
    try add("typed", b, session: "s", database)
    #expect(try titles(a, database) == ["first", "walked"] && titles(b, database) == ["typed"])
    #expect(try database.project(ofSession: "s")?.root == "/w/a")
    #expect(try database.session(id: "s")?.cwd == "/w/a")
  }

  // MARK: Names alone

  @Test func bareName_goesToTheOneProjectThatHasIt() throws {
    let database = try folder.database()
    try add("loose", .named("api"), database)
    #expect(try database.tasks(status: nil, filter: RecordFilter()).first?.isUnfiled == true)
    let a = place("/w/api", name: "api")
    try add("mine", a, database)
    try add("filed", .named("api"), database)
    #expect(try titles(a, database) == ["filed", "mine"])
    let b = place("/v/api", name: "api")
    try add("other", b, database)
    try add("whose", .named("api"), database)
    #expect(try titles(a, database) == ["filed", "mine"] && titles(b, database) == ["other"])
    var unfiled = RecordFilter()
    unfiled.isUnfiled = true
    #expect(try database.tasks(status: nil, filter: unfiled).map(\.title) == ["whose", "loose"])
    let shelf = try #require(try database.unfiledRow(named: "api"))
    _ = try database.join(shelf, into: try #require(try database.known(b).id), at: 1)
    #expect(try titles(b, database) == ["loose", "other", "whose"])
    #expect(try database.tasks(status: nil, filter: unfiled).isEmpty)
  }

  @Test func privateProject_isFoundAtHomeOnly() throws {
    let database = try folder.database()
    let (a, b) = (place("/w/a"), place("/w/b"))
    try add("walrus at home", a, database)
    try database.setPrivate(true, try #require(try database.known(a).id), at: 1)
    try add("walrus in the vault", a, database)
    try add("walrus abroad", b, database)
    func found(_ visitor: ProjectReference) throws -> Int {
      var filter = RecordFilter()
      filter.hidesPrivate = true
      filter.visitor = try database.known(visitor)
      #expect(
        try database.tasks(status: nil, filter: filter).count
          == database.search("walrus", filter: filter).count)
      return try database.search("walrus", filter: filter).count
    }
    #expect(try found(a) == 3 && found(b) == 1)
    #expect(
      try database.outbox(states: []).count == 2, "of the private one nothing is meant for a vault")
  }
}
