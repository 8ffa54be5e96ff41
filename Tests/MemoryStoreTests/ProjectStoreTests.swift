import Foundation
import TestSupport
import Testing

@testable import Core
@testable import MemoryStore

/// Which project a place is, and what is told apart.
@Suite(.blocking) struct ProjectStoreTests {
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
    _ title: String, _ project: ProjectReference?, session: SessionID? = nil, cwd: String? = nil,
    at: Int64 = 1000, _ database: MemoryDatabase
  ) throws -> RecordID {
    try database.commit(
      StoreWrite(
        requestID: .unique(), at: at, project: project,
        session: session.map { SessionReference(id: $0, cwd: cwd) },
        operation: .addTask(TaskDraft(title: title, source: .cc)))
    ).id
  }

  private func titles(_ project: ProjectReference, _ database: MemoryDatabase) throws -> [String] {
    try database.tasks(
      status: .open, filter: RecordFilter(place: database.known(project))
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
    // Nor by its path: as git clone writes it, or anybody.
    for remote in ["/w/secret", "/w/secret/.git"] {
      #expect(try titles(place("/local", remote: remote, head: "aa11"), database).isEmpty)
    }
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

  @Test func split_takesTheLedgerOfItsSessions() throws {
    let database = try folder.database()
    let whole = place("/w/a", remote: "h/o/a")
    func merge(_ item: String, _ phase: String, _ session: SessionID, cwd: String) throws {
      let ledger = Ledger(
        title: "Work",
        phases: [
          .init(phase, groups: [.init(name: "Part", .entries([.init(item, status: .done)]))])
        ])
      _ = try database.commit(
        StoreWrite(
          requestID: RequestID(rawValue: item), at: 5, project: whole,
          session: SessionReference(id: session, cwd: cwd),
          operation: .addToLedger(LedgerDraft(ledger: ledger, source: .manual))))
    }
    try merge("here", "One", "s1", cwd: "/w/a")
    try merge("there", "One", "s2", cwd: "/v/a")
    try merge("there too", "Two", "s2", cwd: "/v/a")
    let part = MemoryDatabase.Part(project: place("/v/a", remote: "h/o/a"), folders: ["/v/a"])
    let id = try #require(try database.known(whole).id)
    let new = try database.split(part, outOf: id, at: 6)
    func items(_ place: ProjectReference) throws -> [String] {
      try database.ledgerItems(RecordFilter(place: database.known(place)))
        .map { "\($0.phase), \($0.section ?? "-"): \($0.entry.item)" }
    }
    #expect(try items(whole) == ["One, Part: here"])
    #expect(try items(part.project) == ["One, Part: there", "Two, Part: there too"])
    let ledger = try #require(try database.ledger(database.known(part.project)))
    #expect(ledger.title == "Work" && ledger.phases.map(\.name) == ["One", "Two"])
    #expect(try database.integrityProblems().isEmpty)
    _ = try database.join(new, into: id, at: 7)
    #expect(try items(whole).count == 3)
  }

  // MARK: Places that change

  @Test func whatWasOnlyLookedAt_isKnownAfterwards() throws {
    let database = try folder.database()
    try add("plain", place("/w/n", isRepository: false), database)
    // It became a repository, was looked at, and was moved.
    let became = place("/w/n", file: "b9", head: "aa")
    _ = try database.learn(database.known(became), first: ["aa"], commits: ["aa"], at: 2000)
    #expect(try titles(place("/w/moved", file: "b9", head: "aa"), database) == ["plain"])
    // A worktree that is gone since.
    let worktree = ProjectReference(
      identity: "x", name: "x",
      marks: ProjectMarks(root: "/w/side", gitFolder: "/w/n/.git", gitFile: "b9", head: "aa"))
    _ = try database.learn(database.known(worktree), first: ["aa"], commits: ["aa"], at: 3000)
    #expect(try titles(place("/w/side", isRepository: false), database) == ["plain"])
  }

  @Test func bareRepository_andItsWorktrees_areOne() throws {
    let database = try folder.database()
    func worktree(_ root: String, of folder: String) -> ProjectReference {
      ProjectReference(
        identity: root, name: "x",
        marks: ProjectMarks(root: root, gitFolder: folder, gitFile: "b:" + folder))
    }
    try add("in the tree", worktree("/w/t", of: "/srv/a.git"), database)
    #expect(try titles(place("/srv/a.git", isRepository: false), database) == ["in the tree"])
    try add("in the folder", place("/srv/b.git", isRepository: false), database)
    #expect(try titles(worktree("/w/u", of: "/srv/b.git"), database) == ["in the folder"])
    #expect(try titles(worktree("/w/v", of: "/srv/c.git"), database).isEmpty)
  }

  @Test func repositoryThatWasEmpty_isContradictedByNone() throws {
    let database = try folder.database()
    try add("begun", place("/w/e", file: "b1"), database)
    #expect(try titles(place("/w/e", file: "b2", head: "aa"), database) == ["begun"])
    try add("sent", place("/w/r", file: "b3", remote: "h/o/r"), database)
    #expect(try titles(place("/w/r", file: "b4", head: "bb"), database).isEmpty)
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

  @Test func whatIsJoinedWithAPrivateProject_isPrivate() throws {
    let database = try folder.database()
    let hidden = place("/w/hidden", head: "h1")
    let part = place("/w/part", remote: "h/o/part", head: "p1")
    let other = place("/w/other")
    for (title, place) in [("newt", hidden), ("newt of the part", part), ("newt abroad", other)] {
      try add(title, place, database)
    }
    func id(_ place: ProjectReference) throws -> Int64 {
      let marks = try #require(place.marks)
      return try #require(try database.row(ofPlace: marks))
    }
    try database.setPrivate(true, id(hidden), at: 1)
    // Also where the private one is the part of a part.
    let middle = place("/w/middle")
    try add("newt between", middle, database)
    _ = try database.join(id(hidden), into: id(middle), at: 2)
    _ = try database.join(id(middle), into: id(part), at: 3)
    var filter = RecordFilter()
    filter.hidesPrivate = true
    filter.visitor = try database.known(other)
    #expect(try database.tasks(status: nil, filter: filter).map(\.title) == ["newt abroad"])
    #expect(try database.search("newt", filter: filter).count == 1)
    filter.visitor = try database.known(part)
    #expect(try database.search("newt", filter: filter).count == 4)
    #expect(try titles(place("/clone", remote: "h/o/part", head: "p1"), database).isEmpty)
    #expect(try database.projects().filter(\.isPrivate).count == 3)
    #expect(try database.isPrivate(part) && !database.isPrivate(other))
  }

  @Test func privateProject_joinsNothingByItself() throws {
    let database = try folder.database()
    let own = place("/w/own", remote: "h/o/own", head: "aa")
    try add("secret", own, database)
    try database.setPrivate(true, try #require(try database.known(own).id), at: 1)
    let clone = place("/w/clone", remote: "h/o/own", head: "aa")
    try add("of the clone", clone, database)
    // Now a commit and a remote of the clone are known, and its owner goes on.
    let later = place("/w/own", remote: "h/o/own", head: "bb")
    for place in [later, clone] {
      #expect(
        try !database.learn(
          database.known(place), first: ["aa"], commits: ["bb", "aa"], at: 2000))
    }
    #expect(
      try titles(clone, database) == ["of the clone"] && titles(later, database) == ["secret"])
    let (a, b) = (try database.known(later).id, try database.known(clone).id)
    _ = try database.join(#require(b), into: #require(a), at: 3000)
    #expect(try titles(clone, database) == ["of the clone", "secret"], "by a person's word")
  }
}
