// Drawn from what agents and people write in transcripts (reference: understanding).
extension Lexicon {
  /// Mostly English; German where people write to their agents in it.
  package static let english = Lexicon(
    [
      (
        .finding,
        [
          "root cause", "turns out", "turned out", "i see the issue|problem|bug|error",
          "the problem|issue|bug|reason|cause|culprit|mismatch|catch|difference|error is|was",
          "the _ problem|issue|bug|reason|cause|culprit|mismatch|error is|was",
          "the problem|issue|bug|reason here is", "fixed by", "caused by", "because", "due to",
          "false positive", "mismatch", "mismatches", "i was wrong", "confirmed", "confirms",
          "verified", "there's already|an|a", "there is already", "the fix is|was|for",
          "is|be misleading", "can't", "cannot", "crucial", "won't work", "doesn't|didn't work",
          "does|did not work", "not supported", "expects", "expected", "this explains",
          "that explains", "that's why", "which is why", "the|a regression", "race condition",
          "deadlock", "flaky", "silently", "is|was|are never called|used|set|run|reached",
        ]
      ),
      (
        .statement,
        [
          "instead of", "rather than", "since", "otherwise", "therefore", "so that", "this means",
          "which means", "that means", "already", "doesn't", "does not", "didn't", "did not",
          "isn't",
          "is not", "wasn't", "was not", "no longer", "never", "only", "must", "risk", "in vain",
          "still", "wrong", "missing", "undefined", "requires", "required", "require", "needs to",
          "need to", "should", "blocked", "blocks", "skipped", "removed", "replaced", "tests pass",
          "passes", "passed", "failed", "fails", "failing", "unchanged", "by default", "at most",
          "at least", "except", "unless", "not yet", "without",
        ]
      ),
      (
        .vain,
        [
          "didn't|doesn't help|work|fix", "did|does not help|work|fix",
          "isn't being recognised|recognized|used|picked",
          "still fails|failing|fail|failed|complains|complaining|broken|shows|showing|hangs|happens|happening|missing|wrong",
          "still not", "still the same", "still get|gets|getting|see|seeing", "not enough",
          "not working", "no effect", "same error|problem|issue|result", "won't work", "gave up",
          "reverting|reverted|revert the|my|that|this|it", "backed|backing out", "dead end",
          "try|trying a different|another", "different approach", "was|were refused|rejected",
          "is|are blocked", "made it|things worse", "to no avail",
        ]
      ),
      (
        .correction,
        [
          "i was wrong", "my mistake", "i made a|an mistake|error", "i misread|misunderstood",
          "i miscounted|misjudged|misreported|overstated|overlooked", "i have to correct",
          "correction to", "misconception", "contrary to what", "not what i",
          "i apologize|apologise", "i incorrectly|wrongly|mistakenly", "my earlier claim|statement",
        ]
      ),
      (
        .decision,
        [
          "i'll|we'll|i'd|we'd go with|use|keep|put|leave|choose|skip|stick|take|store|drop",
          "i|we will go with|use|keep|put|leave|choose|skip|stick|take|store|drop",
          "let's go with|use|keep|skip|stick", "i've|we've decided|chosen", "i|we decided|chose",
          "decided to|on|against|not", "going with", "i|we chose", "was|were|is chosen",
          "opted|opting for|to", "settled on", "better to", "makes sense to", "makes more sense to",
          "the decision is|was", "we agreed", "out of scope", "left as is", "left alone",
        ]
      ),
      (
        .recommendation,
        [
          "i recommend", "i'd recommend|suggest|prefer|go", "i would recommend|suggest|prefer",
          "my recommendation|preference|suggestion", "recommended", "i suggest|propose|lean",
          "recommendation",
        ]
      ),
      (
        .outlook,
        [
          "next step|steps|up|task|is|comes", "remaining", "remains", "follow up|ups", "followup",
          "todo", "to do", "not yet", "not done", "still open|to|need|needs|pending", "queued",
          "pending", "ready to|for", "then i", "want me to", "would you like", "shall i",
          "should i",
          "let me know", "left to do", "outstanding", "deferred", "later", "waiting for|on",
          "once _ is|are|has|lands|passes", "before merging|merge", "unresolved", "unverified",
          "not tested|verified|run|committed|pushed",
        ]
      ),
      (
        .hardRule,
        [
          "never", "do not", "don't", "dont", "must", "must not", "mustn't", "only", "not",
          "without",
          "forbidden", "required", "instead of", "no longer", "avoid", "non-goal|non-goals",
          "out of scope", "ensure", "always", "nie", "niemals", "nicht", "nur", "kein", "keine",
          "immer", "no need", "can't", "cannot", "shouldn't", "should not", "has|have to", "stop",
        ]
      ),
      (
        .softRule,
        [
          "please", "let's keep|not|use|stick|go", "make sure", "prefer", "too much", "for now",
          "intentional", "intentionally", "keep", "should", "remove", "leave", "rather", "want",
          "need", "use", "follow", "bitte",
        ]
      ),
      (
        .reason,
        [
          "because", "since", "so that", "otherwise", "to avoid", "risk", "as it|they|this|we",
          "rather than", "instead of", "due to", "in order to", "which means", "would break|lose",
        ]
      ),
      (
        .objection,
        [
          "no", "nope", "that's|thats not|wrong", "that is not|wrong", "this is not|wrong",
          "this isn't", "misconception", "there's already", "there is already", "actually",
          "remove this|that|it", "why is|are|did|do|does|not", "wrong", "i meant", "shouldn't",
          "should not", "i don't|didn't|do not", "instead", "undo", "revert", "stop", "wait",
        ]
      ),
      (
        .parked,
        [
          "park it|this|that", "let's park", "parked", "put|set aside", "for later", "another time",
          "out of scope for now", "come|get back to", "separate issue|pr|task|ticket|change",
          "not now", "pivot", "defer", "deferred",
        ]
      ),
      (
        .change,
        [
          "make it", "needs to be", "need to be", "rewrite it|this", "switch|switched|switching to",
          "replace|replaced|replacing _ with", "replace|replaced|replacing _ _ with",
          "move|moved _ to|into", "move|moved _ _ to|into", "convert", "renamed|rename",
        ]
      ),
      (
        .narration,
        [
          "let me", "let's", "i'll", "i will", "i need to", "i'm going to", "now i", "next i",
          "time to", "i should", "we need to", "i can|want see|to", "looking at|into", "checking",
          "reading", "running", "now let", "i'm now", "i am going", "i see let me",
          "got it let me",
        ]
      ),
      (
        .nod,
        [
          "good", "great", "perfect", "excellent", "nice", "right", "yes", "no", "ok", "okay",
          "done",
          "fixed", "sure", "got it", "i see", "found it", "exactly", "agreed", "you're right",
          "understood", "alright",
        ]
      ),
      (
        .guess,
        [
          "may", "might", "could", "unless", "perhaps", "probably", "i think|suspect|guess|expect",
          "maybe", "possibly", "if", "suspect", "suspected", "seems", "appears to", "likely",
        ]
      ),
      (
        .ofWeight,
        [
          "decision", "decisions", "non-goals", "goal", "goals", "constraint", "constraints",
          "scope",
          "risk", "risks", "approach", "architecture", "key", "behavior", "behaviour", "error",
          "errors", "edge", "why", "rationale", "requirement", "requirements", "important",
          "acceptance", "done", "criteria", "blocked", "blockers", "findings", "conclusion",
          "summary",
          "verification", "mismatches", "recommendation", "feedback", "pending", "limitations",
        ]
      ),
    ], leads: leads)

  private static let leads = [
    "good", "great", "perfect", "excellent", "now", "ok", "okay", "alright", "right", "done",
    "sure", "first", "then", "and", "finally", "next", "so",
  ]
}
