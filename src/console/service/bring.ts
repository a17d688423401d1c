/** Brings rows of a file to the stream of a collection, piece by piece, so that a broken one can go on. */
import { lineOf, type Mapping } from './mapping'
import { type RefusedRow, refusedRow } from './refused-rows'
import type { Row } from './row'
import type { Pieces } from './row-files'
import { Refused, refusalOf, send } from './session'

export interface Rejected {
  /** From 0, as the service counts them. */
  row: number
  code: string
  error: string
  field?: string
  rule?: string
  action?: string
  /** As the file has it. */
  found?: RefusedRow
}

interface Result {
  accepted: number
  rejected: number
  quarantined?: number
  fixed?: number
  flagged?: number
  by_rule?: Record<string, number>
  position: number
  errors: Rejected[]
}

export interface Brought extends Result {
  /** Of the file that is done, 0 to 1. */
  share: number
}

const PIECE_CHARS = 4 * 1024 * 1024
/** Rows that are told with their reasons. */
const MOST_ERRORS = 1_000

interface Parts {
  path: string
  pieces: Pieces
  mapping: Mapping
  /** Names the file, so that rows which are stored already are left out. */
  source: string
  signal: AbortSignal
  onProgress(brought: Brought): void
}

export async function bring({ path, pieces, mapping, source, signal, onProgress }: Parts): Promise<Brought> {
  const sum: Brought = { accepted: 0, rejected: 0, position: 0, errors: [], share: 0 }
  let sent: Row[] = []
  let body: string[] = []
  let chars = 0
  let at = 0
  let from = 0
  const sendRows = async () => {
    if (body.length === 0) return
    const { result, error } = await sendPiece(`${path}/ingest?from=${from}`, `${body.join('\n')}\n`, source, signal)
    for (const one of result?.errors ?? []) tellOf(one, sent[one.row - from], mapping)
    if (result) addTo(sum, result)
    onProgress({ ...sum })
    if (error) throw error
    sent = []
    body = []
    chars = 0
    from = at
  }
  for await (const { rows, share } of pieces) {
    for (const row of rows) {
      const line = lineOf(row, at++, mapping)
      body.push(line)
      sent.push(row)
      chars += line.length
      if (chars >= PIECE_CHARS) await sendRows()
    }
    sum.share = share
    signal.throwIfAborted()
  }
  await sendRows()
  return sum
}

/** Rows that the reader of the file refuses are sent as nulls. */
function tellOf(one: Rejected, row: Row | undefined, mapping: Mapping): void {
  if (row === undefined) return
  one.found = refusedRow(row, mapping)
  one.error = row.fault ?? one.found.cause ?? one.error
}

function addTo(sum: Brought, piece: Result): void {
  sum.accepted += piece.accepted
  sum.rejected += piece.rejected
  sum.position = piece.position
  sum.errors.push(...piece.errors.slice(0, MOST_ERRORS - sum.errors.length))
  for (const field of ['quarantined', 'fixed', 'flagged'] as const) {
    if (piece[field] !== undefined) sum[field] = (sum[field] ?? 0) + piece[field]
  }
  for (const [rule, count] of Object.entries(piece.by_rule ?? {})) {
    sum.by_rule ??= {}
    sum.by_rule[rule] = (sum.by_rule[rule] ?? 0) + count
  }
}

/** The last line of the answer has the result so far, and the error if the stream ended with one. */
async function sendPiece(
  path: string,
  body: string,
  source: string,
  signal: AbortSignal,
): Promise<{ result?: Result; error?: Refused }> {
  const headers = { 'content-type': 'application/x-ndjson', 'idempotency-key': source }
  const answer = await send('POST', `${path}&errors=${MOST_ERRORS}`, body, signal, headers)
  const text = await answer.text()
  if (!answer.ok) return { error: refusalOf(answer.status, text) }
  const { result, status } = JSON.parse(text.trimEnd().split('\n').at(-1) ?? '')
  return status === 'ok' ? { result } : { result, error: new Refused(status.error, answer.status, status.code) }
}
