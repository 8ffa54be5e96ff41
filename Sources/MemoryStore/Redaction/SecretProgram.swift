/// A program that a command calls.
struct SecretProgram {
  /// Where its name stands, without folders.
  var name: Range<Int>
  /// Of the table of options.
  var row: Int

  var options: [SecretOption] { SecretOption.table[row].options }
}
