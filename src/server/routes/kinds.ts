/** Routes of a collection by their kind. Bodies are read by their declaration before the collection is looked up. */
import type { Static, TSchema } from 'typebox'
import type { Collection, ReadableCollection, WriteOptions, WriteResult as Written } from '../../core/database.js'
import { tell } from '../../core/vocabulary/teller.js'
import { WriteResult } from '../../core/write-result.js'
import { bodyOf } from '../../wire/read-bodies.js'
import type { Call, ReadCall, ReadRoute, Route } from '../call.js'
import { WriteParameters } from '../parameters.js'

/** A body that is left out counts as one without fields. */
export function reads<T extends TSchema>(
  path: string,
  summary: string,
  body: T,
  run: (collection: ReadableCollection, asked: Static<T>, call: ReadCall) => unknown,
): ReadRoute {
  return {
    ...{ method: 'POST', path, access: 'read', scope: 'collection', work: 'read', summary, body },
    async run(call) {
      const asked = bodyOf(body, call.body ?? {})
      return await run(await call.reads(), asked, call)
    },
  }
}

const WRITE = { access: 'write', scope: 'collection', work: 'write', parameters: WriteParameters } as const

export function writes<T extends TSchema>(
  method: Route['method'],
  path: string,
  summary: string,
  body: T,
  run: (collection: Collection, change: Static<T>, options: WriteOptions, call: Call) => Promise<Written>,
): Route {
  return {
    ...{ ...WRITE, method, path, summary, body, answer: WriteResult },
    async run(call) {
      const change = bodyOf(body, call.body ?? null)
      return tell(WriteResult, await run(await call.collection(), change, call.writeOptions(), call))
    },
  }
}

/** Without a body. */
export function deletes(
  path: string,
  summary: string,
  run: (collection: Collection, options: WriteOptions, call: Call) => Promise<Written>,
): Route {
  return {
    ...{ ...WRITE, method: 'DELETE', path, summary, answer: WriteResult },
    run: async (call) => tell(WriteResult, await run(await call.collection(), call.writeOptions(), call)),
  }
}
