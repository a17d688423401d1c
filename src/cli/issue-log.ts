import type { CollectionIssue } from '../core/issues.js'
import type { Server } from '../server/app.js'

type Log = Server['log']

/** Writes collections' issues to the service's log. Issues that arise before the service exists wait for it. */
export class IssueLog {
  #log: Log | null = null
  #waiting: CollectionIssue[] = []

  readonly note = (issue: CollectionIssue): void => {
    if (this.#log) write(this.#log, issue)
    else this.#waiting.push(issue)
  }

  to(log: Log): void {
    this.#log = log
    for (const issue of this.#waiting.splice(0)) write(log, issue)
  }
}

function write(log: Log, { collection, about, code, reason, isOver }: CollectionIssue): void {
  const facts = { collection, about, code }
  if (isOver) log.info(facts, `is over: ${reason}`)
  else if (code === null) log.warn(facts, reason)
  else log.error(facts, reason)
}
