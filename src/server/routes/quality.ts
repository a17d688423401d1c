/** The quality of a collection's data: reports, their reference, and near-duplicate pairs. None is in Qdrant. */
import Type from 'typebox'
import { checkKnown, keysOf } from '../../core/known-keys.js'
import {
  NearDuplicatePairs,
  NeighbourPage,
  NeighbourRequest,
  PairsRequest,
  QualityHistory,
  QualityReference,
  QualityReport,
} from '../../core/quality.js'
import { isPlain } from '../../core/vocabulary/plain.js'
import { tell } from '../../core/vocabulary/teller.js'
import { bodyOf } from '../../wire/read-bodies.js'
import type { Call, Route } from '../call.js'
import { ChangeParameters, QualityParameters } from '../parameters.js'

const QUALITY = '/collections/:name/quality'
const REFERENCE = `${QUALITY}/reference`
const KNOWN_REFERENCE = keysOf<{ operation_id: number; filter: object }>({ operation_id: true, filter: true })
const CHANGE = {
  access: 'write',
  scope: 'extras',
  work: 'write',
  parameters: ChangeParameters,
  answer: Type.Boolean(),
} as const

export const qualityRoutes: Route[] = [
  {
    method: 'GET',
    path: QUALITY,
    access: 'read',
    scope: 'collection',
    work: 'read',
    parameters: QualityParameters,
    answer: Type.Union([QualityReport, QualityHistory]),
    summary: 'Not in Qdrant: a report of what the data is like, or with `history` those that were kept.',
    run: report,
  },
  {
    method: 'POST',
    path: `${QUALITY}/pairs`,
    access: 'read',
    scope: 'collection',
    work: 'read',
    body: PairsRequest,
    answer: NearDuplicatePairs,
    summary: 'Not in Qdrant: pairs of points that are nearly equal.',
    run: pairs,
  },
  {
    method: 'POST',
    path: `${QUALITY}/neighbours`,
    access: 'read',
    scope: 'collection',
    work: 'read',
    body: NeighbourRequest,
    answer: NeighbourPage,
    summary: 'Not in Qdrant: points with their nearest neighbours by the index, page by page.',
    run: neighbours,
  },
  {
    ...{ ...CHANGE, method: 'PUT', path: REFERENCE, body: QualityReference },
    summary: 'Not in Qdrant: sets the points that reports compare all others with.',
    run: setReference,
  },
  {
    ...{ ...CHANGE, method: 'DELETE', path: REFERENCE },
    summary: 'Not in Qdrant: reports compare with no points any more.',
    run: async (call) => await (await call.collection()).deleteQualityReference(call.options()),
  },
]

async function report(call: Call): Promise<unknown> {
  const { using, sample, seed, threshold, history } = call.parameters
  const collection = await call.collection()
  if (history) return tell(QualityHistory, await collection.qualityHistory(call.options()))
  const asked = {
    ...call.options(),
    ...(using === undefined ? {} : { using }),
    ...(sample === undefined ? {} : { sample }),
    ...(seed === undefined ? {} : { seed }),
    ...(threshold === undefined ? {} : { threshold }),
  }
  return tell(QualityReport, await collection.quality(asked))
}

async function pairs(call: Call): Promise<unknown> {
  const asked = bodyOf(PairsRequest, call.body ?? {})
  const collection = await call.collection()
  return tell(NearDuplicatePairs, await collection.pairs({ ...call.options(), ...asked }))
}

async function neighbours(call: Call): Promise<unknown> {
  const asked = bodyOf(NeighbourRequest, call.body ?? {})
  const collection = await call.collection()
  return tell(NeighbourPage, await collection.neighbours({ ...call.options(), ...asked }))
}

async function setReference(call: Call): Promise<boolean> {
  const body = call.body ?? {}
  const reference = bodyOf(QualityReference, body)
  // A filter that is misspelt would set another reference than its caller means.
  if (isPlain(body)) checkKnown(body, KNOWN_REFERENCE, '')
  await (await call.collection()).setQualityReference(reference, call.options())
  return true
}
