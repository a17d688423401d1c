/** Streams of points into a collection. The answer tells the progress line by line, while the body is still read. */
import Type from 'typebox'
import type { Collection } from '../../core/database.js'
import { VicinalError } from '../../core/errors.js'
import { type IngestCounts, IngestResult } from '../../core/ingest.js'
import { Repair, RepairResult } from '../../core/repair.js'
import { integer } from '../../core/vocabulary/declare.js'
import { tell } from '../../core/vocabulary/teller.js'
import { pointOf } from '../../wire/points.js'
import { bodyOf } from '../../wire/read-bodies.js'
import type { Call, Route } from '../call.js'
import { collectionInfo } from '../collection-infos.js'
import { CallParameters, IngestParameters, WriteParameters } from '../parameters.js'
import { envelopeOf, errorEnvelopeOf, LineBody } from '../respond.js'

const INGEST = '/collections/:name/ingest'
/** How often the answer tells the progress. */
const PROGRESS_MS = 1000

export const ingestRoutes: Route[] = [
  {
    method: 'POST',
    path: INGEST,
    access: 'write',
    scope: 'collection',
    work: 'write',
    isStream: true,
    parameters: IngestParameters,
    answer: IngestResult,
    summary: 'Not in Qdrant: stores the points of a stream as they arrive.',
    run: ingest,
  },
  {
    method: 'POST',
    path: `${INGEST}/repair`,
    access: 'write',
    scope: 'collection',
    work: 'write',
    parameters: WriteParameters,
    body: Repair,
    answer: RepairResult,
    summary: 'Not in Qdrant: stores records of the quarantine, and removes them from it.',
    run: repair,
  },
  {
    method: 'GET',
    path: `${INGEST}/:source`,
    // Only the owner of a store knows, so other nodes hand the request on.
    access: 'write',
    scope: 'collection',
    work: 'read',
    parameters: CallParameters,
    answer: Type.Object({ position: integer({ description: 'Rows of the source that are stored.' }) }),
    summary: 'Not in Qdrant: where a stream of this source goes on.',
    run: position,
  },
]

/** Reads vectors and payloads like points' own. */
async function repair(call: Call): Promise<unknown> {
  const { replace = [], ...asked } = bodyOf(Repair, call.body ?? null)
  const replacements = replace.map(({ id, vector, payload }) => {
    const point = pointOf({ id: 0, vector: vector ?? {}, payload })
    return { id, ...(vector === undefined ? {} : { vector: point.vector }), ...(payload ? { payload } : {}) }
  })
  const collection = await call.collection()
  await checkQuarantine(collection, call)
  return tell(RepairResult, await collection.repair({ ...asked, replace: replacements }, call.writeOptions()))
}

/** A repair takes records out of the quarantine, which is another collection. */
async function checkQuarantine(collection: Collection, { rights }: Call): Promise<void> {
  if (rights.areGlobal) return
  const { ingestion } = (await collectionInfo(collection)).config
  if (ingestion?.quarantine !== undefined) rights.check('write', 'collection', ingestion.quarantine)
}

async function position(call: Call): Promise<object> {
  const collection = await call.collection()
  return { position: await collection.ingestPosition(call.param('source'), call.options()) }
}

/**
 * An error before the first batch has its own status. A later one is the status of the last line. Proxies such as nginx stop
 * sending a body once its answer has begun: without progress the answer waits for the end of the stream.
 */
async function ingest(call: Call): Promise<LineBody> {
  const startedMs = performance.now()
  const collection = await call.collection()
  const progress = new Progress()
  const { body, options } = call.receiveStream()
  const done = collection.ingest(body, { ...options, onProgress: progress.tell })
  done.catch(() => undefined).finally(progress.end)
  const isUnderWay = await progress.next()
  if (!isUnderWay) await done
  else if (call.parameters.progress === false) await done.catch(() => undefined)
  return new LineBody(linesOf(call, done, progress, startedMs))
}

async function* linesOf(
  call: Call,
  done: Promise<IngestResult>,
  progress: Progress,
  startedMs: number,
): AsyncGenerator<string> {
  let toldMs = Number.NEGATIVE_INFINITY
  do {
    const nowMs = performance.now()
    if (progress.latest && nowMs - toldMs >= PROGRESS_MS) {
      toldMs = nowMs
      yield lineOf({ progress: progress.latest })
    }
  } while (await progress.next())
  yield lineOf(await lastOf(call, done, startedMs))
}

async function lastOf(call: Call, done: Promise<IngestResult>, startedMs: number): Promise<object> {
  try {
    const result = await done
    const watermark = await call.watermark()
    return envelopeOf(tell(IngestResult, watermark === null ? result : { ...result, watermark }), startedMs)
  } catch (cause) {
    const known = cause instanceof VicinalError ? cause : null
    if (!known || known.status === INTERNAL) call.logFailure(cause)
    const error = known ?? new VicinalError('INTERNAL', 'Service internal error: see the log')
    call.noteFailure(error)
    const { details, result } = splitDetails(error.details)
    const told = new VicinalError(error.code, error.message, { details })
    return { result: tell(IngestResult, result), ...errorEnvelopeOf(told, startedMs) }
  }
}

/** The details of the error that ended a stream, and how far the stream had come. */
function splitDetails(all: VicinalError['details']) {
  const details: Record<string, unknown> = {}
  const result: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(all)) (key in IngestResult.properties ? result : details)[key] = value
  return { details, result }
}

const INTERNAL = 500

/** The latest of the counts, for one reader. */
class Progress {
  latest: IngestCounts | null = null
  #isNew = false
  #isOver = false
  #wake: () => void = () => {}

  readonly tell = (counts: IngestCounts): void => {
    this.latest = counts
    this.#isNew = true
    this.#wake()
  }

  readonly end = (): void => {
    this.#isOver = true
    this.#wake()
  }

  /** Resolves to whether there are new counts; else the stream is over. */
  async next(): Promise<boolean> {
    if (!this.#isNew && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const isNew = this.#isNew && !this.#isOver
    this.#isNew = false
    return isNew
  }
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`
}
