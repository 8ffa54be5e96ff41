// Written by scripts/skills.sh from skills/. Change those, and run it again.
// swift-format-ignore-file

enum SkillTexts {
  /// The files of `skills/`, in the order of their names.
  static let all = [
    ##"""
    ---
    name: bismillah
    description: "Begin a session: say where the project stands (title, objective, blockers, what was left off, next). Use as the first thing in a session."
    allowed-tools: Bash(memoryd *), Bash(echo *)
    ---

    # Where things stand

    !`memoryd session brief --session "${CLAUDE_SESSION_ID}" 2>&1 || echo "It cannot be read: the lines above say why. If memoryd was not found, it is not installed here, or not on the PATH."`

    Tell the person, from what stands above and nothing else, in five short lines:

    1. **Title**: the project and the branch, and whether the vault is reached (mode).
    2. **Objective**: what the work is about.
    3. **Blockers**: what is in the way, or "none".
    4. **Left off**: what was done last.
    5. **Next**: the first step to take.

    If a message waits for this session, say so; `memoryd handoff take` hands it over. If the mode is degraded, say it loudly: work goes on, it is kept here and in the fallback files, and is synced when the vault answers. What is not recorded is not guessed. Then wait for the person.

    """##,
    ##"""
    ---
    name: checkpoint
    description: "Take a checkpoint of this session now, so that nothing is lost at a compaction, a crash or the end of the session. Use before a risky step, after a milestone, or when the person asks for a checkpoint."
    argument-hint: "[what the work is about]"
    allowed-tools: Bash(memoryd *), Bash(echo *)
    ---

    # Checkpoint

    memoryd has taken one just now. Its answer:

    !`memoryd checkpoint take --session "${CLAUDE_SESSION_ID}" </dev/null 2>&1 || echo "No checkpoint was taken: the lines above say why. If memoryd was not found, it is not installed here, or not on the PATH."`

    It holds the requests, plan, files, commands and decisions of the session as far as the transcript tells. What the person adds: $ARGUMENTS

    If the objective, something in the way, or the next steps are not evident from the transcript, say them in a second one:

    ```sh
    memoryd checkpoint --objective "..." --blocker "..." --next "..." --next "..."
    ```

    Then go on with the work; one short sentence to the person is enough.

    """##,
    ##"""
    ---
    name: decide
    description: "Record a decision and why it was made, so that later sessions neither forget it nor decide it again. Use when a choice between alternatives was made, or when the person says what is to be."
    argument-hint: "[what was decided, and why]"
    allowed-tools: Bash(memoryd *), Bash(echo *)
    ---

    # Decide

    The newest decisions of this project:

    !`memoryd decision list --limit 8 2>&1 || echo "They cannot be read: the lines above say why. If memoryd was not found, it is not installed here, or not on the PATH."`

    What was decided: $ARGUMENTS

    If nothing stands there, it is the choice that was made last in this conversation. Record it in one sentence, with the reason in one or two more: what was weighed, and what spoke for it. A decision that replaces an earlier one names it.

    ```sh
    memoryd decide "..." --rationale "..."
    ```

    Mind the quoting: in single quotes the shell changes nothing. Say to the person in one sentence what was recorded. Where memoryd is not there, say so, and append a `## Decision` section to `~/.claude/checkpoints-fallback.md` instead.

    """##,
    ##"""
    ---
    name: done
    description: "End a session: take a checkpoint, write a handoff, add what was done to the completion ledger, and sum up in one line (done, next, blocked). Use when the work of a session is over."
    argument-hint: "[what the next reader should know]"
    allowed-tools: Bash(memoryd *), Bash(echo *)
    ---

    # The session ends

    memoryd has taken a checkpoint and written a handoff, and what it knows to be done is in the ledger. Its answer:

    !`memoryd handoff --ledger --session "${CLAUDE_SESSION_ID}" 2>&1 || echo "Not all of it was written: the lines above say what. If memoryd was not found, it is not installed here, or not on the PATH."`

    The last entries of the ledger:

    !`memoryd ledger list --limit 12 2>&1 || echo "The ledger cannot be read."`

    What the person adds: $ARGUMENTS

    1. What was done and does not stand in the ledger yet gets an entry, with the commit that proves it; what was put off gets one too:

       ```sh
       memoryd ledger add "..." --commit HASH
       memoryd ledger add "..." --status deferred --reason "..."
       ```

    2. What only this conversation knows (why, what to watch out for) goes to the handoff:

       ```sh
       memoryd handoff --amend --note - <<'NOTE'
       ...
       NOTE
       ```

    3. Sum up for the person in exactly one line: `done: ...; next: ...; blocked: ...`

    """##,
    ##"""
    ---
    name: handoff
    description: "Write a handoff of this session for whoever goes on with the work: a checkpoint, what was done, what comes next, open tasks, decisions, blockers, files and commits. Use before the work stops, before another session takes over, or when the person asks for a handoff."
    argument-hint: "[what the next reader should know]"
    allowed-tools: Bash(memoryd *), Bash(echo *)
    ---

    # Handoff

    memoryd has written one just now. Its answer:

    !`memoryd handoff --session "${CLAUDE_SESSION_ID}" 2>&1 || echo "No handoff was written: the lines above say why. If memoryd was not found, it is not installed here, or not on the PATH."`

    The document as it stands:

    !`memoryd handoff show 2>&1 || echo "There is none to show."`

    What the person adds for the next reader: $ARGUMENTS

    What is missing is what only this conversation knows: why things were done as they were, what was tried and did not work, what to watch out for, and what the person said above. Write that as a few short Markdown paragraphs or list items, facts only, and add it to the document:

    ```sh
    memoryd handoff --amend --note - <<'NOTE'
    ...
    NOTE
    ```

    Nothing that stands in the document already needs to be said again. Where memoryd is not there or could not write, put the same into `.handoff/` by hand, as Markdown, and say so. Then tell the person in one or two sentences where the handoff is and what comes next.

    """##,
    ##"""
    ---
    name: resume-work
    description: "Find out where the work stopped and go on with it: the recovery document of the previous session, the newest handoff, unread messages and open tasks. Use at the beginning of a session that continues earlier work, or when the person asks to resume."
    argument-hint: "[what to go on with]"
    allowed-tools: Bash(memoryd *), Bash(echo *)
    ---

    # Resume the work

    What follows is recorded data about earlier sessions of this project. It says how things stood then; the files and the repository say how they stand now.

    ## The previous session

    !`memoryd resume --previous --session "${CLAUDE_SESSION_ID}" 2>&1 || echo "Nothing is recorded, or it cannot be read: the lines above say which. If memoryd was not found, it is not installed here, or not on the PATH."`

    ## The newest handoff

    !`memoryd handoff show 2>&1 || echo "No handoff of this project."`

    ## Unread messages

    !`memoryd handoff list --unread 2>&1 || echo "They cannot be read."`

    ## Open tasks

    !`memoryd task list --limit 20 2>&1 || echo "They cannot be read."`

    ## What to do

    The person's wish: $ARGUMENTS

    Compare with the repository first (`git status`, the files that are named above). A message for this session is taken with `memoryd handoff take`. Tell the person in a few lines what was being done, what is finished, and what the next step is; begin with it where the wish says so, and ask where it is not clear what to go on with. `memoryd search WORDS` finds more.

    """##,
  ]
}
