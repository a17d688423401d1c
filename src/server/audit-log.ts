/**
 * The audit log: one JSON line for each write, each refusal and each administrative read (`isAdministrative` of the route
 * table), with the time at which it was answered.
 */
import type { FastifyRequest } from 'fastify'
import type { VicinalError } from '../core/errors.js'
import { configOf } from './router.js'
import { HUNG_UP, type Ticket } from './ticket.js'

/** Statuses of refused keys, rights and loads. Reads with these are logged too. */
const REFUSALS: ReadonlySet<number> = new Set([401, 403, 429])
/** Aliases in one line. A request may change thousands. */
const MOST_ALIASES = 32
const OK = 200
const FIRST_FAILURE = 400

/** Where lines go: a file (src/disk/line-file.ts). */
export interface Lines {
  write(line: string): void
}

export interface AuditEntry {
  reqId: string
  subject: string
  action: string
  collection: string | null
  /** Of a change of aliases: the aliases that it names, at most MOST_ALIASES. */
  aliases?: readonly string[]
  /** How many more it names. */
  moreAliases?: number
  /** `ok`, or the code of the error. */
  outcome: string
  status: number
  /** The client's address. */
  address: string
  /** Another node has answered, which has a line of its own. */
  forwarded?: true
}

export class AuditLog {
  readonly #lines: Lines

  constructor(lines: Lines) {
    this.#lines = lines
  }

  /** Writes the line of an answered request, if it has one. */
  note(request: FastifyRequest, ticket: Ticket, status: number, action: string): void {
    const declared = configOf(request)?.declared
    const isWrite = declared !== undefined && isWriting(declared.access, declared.work)
    if (!isWrite && !REFUSALS.has(status) && declared?.isAdministrative !== true) return
    const { name } = (request.params ?? {}) as { name?: string }
    this.add({
      reqId: request.id,
      subject: ticket.subject,
      action,
      collection: name ?? ticket.named?.collection ?? null,
      ...(ticket.named ? bounded(ticket.named.aliases) : {}),
      outcome:
        ticket.failure ?? (status >= OK && status < FIRST_FAILURE ? 'ok' : status === HUNG_UP ? 'HUNG_UP' : 'FAILED'),
      status,
      address: ticket.peer ?? request.raw.socket.remoteAddress ?? '',
      ...(ticket.isForwarded ? { forwarded: true } : {}),
    })
  }

  /** The same of a stream that was not opened, or of one of its messages. */
  noteStream({ status, code }: VicinalError, { address, ...failed }: Omit<AuditEntry, 'outcome' | 'status'>): void {
    if (REFUSALS.has(status)) this.add({ ...failed, outcome: code, status, address })
  }

  add(entry: AuditEntry): void {
    this.#lines.write(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`)
  }
}

function bounded(aliases: readonly string[]): Pick<AuditEntry, 'aliases' | 'moreAliases'> {
  const more = aliases.length - MOST_ALIASES
  return { aliases: aliases.slice(0, MOST_ALIASES), ...(more > 0 ? { moreAliases: more } : {}) }
}

/** Nodes pass reads on below routes for nodes alone, too. */
function isWriting(access: string, work: string): boolean {
  return access === 'write' || (access === 'cluster' && work === 'write')
}
