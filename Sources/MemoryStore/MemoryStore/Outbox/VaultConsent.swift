/// A vault, without what is secret about it.
public struct VaultReference: Codable, Sendable, Hashable {
  /// Tells one vault from another without telling where it is.
  public var id: String
  /// What may be shown of it.
  public var name: String
  /// Its ids by the rules of earlier versions: what was kept under one of them is its own.
  public var formerIDs: [String]

  public init(id: String, name: String, formerIDs: [String] = []) {
    self.id = id
    self.name = name
    self.formerIDs = formerIDs
  }
}

/// What a person's settings say about where a write may go. A say about a single project is kept in
/// the store and counts more.
public struct VaultConsent: Codable, Sendable, Equatable {
  public enum Projects: Codable, Sendable, Equatable {
    case all
    case none
    /// By short name, or by number.
    case listed([String])
  }

  /// Nil while no vault is configured: what is written then waits until somebody shares it.
  public var vault: VaultReference?
  public var projects: Projects

  public init(vault: VaultReference?, projects: Projects = .all) {
    self.vault = vault
    self.projects = projects
  }

  public static let nowhere = VaultConsent(vault: nil)
}
