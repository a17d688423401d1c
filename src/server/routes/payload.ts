import { PayloadChange, PayloadRemoval, PointsSelector } from '../../core/point-changes.js'
import { deleteOf, payloadChangeOf, payloadDeleteOf } from '../../wire/operations.js'
import type { Call, Route } from '../call.js'
import { writeResult } from './write-result.js'

const PAYLOAD = '/collections/:name/points/payload'

const write = { access: 'write', work: 'write' } as const

export const payloadRoutes: Route[] = [
  { method: 'POST', path: PAYLOAD, ...write, summary: 'Sets keys of payloads.', body: PayloadChange, run: set },
  { method: 'PUT', path: PAYLOAD, ...write, summary: 'Replaces payloads.', body: PayloadChange, run: overwrite },
  {
    method: 'POST',
    path: `${PAYLOAD}/delete`,
    ...write,
    summary: 'Removes keys from payloads.',
    body: PayloadRemoval,
    run: deleteKeys,
  },
  {
    method: 'POST',
    path: `${PAYLOAD}/clear`,
    ...write,
    summary: 'Removes payloads.',
    body: PointsSelector,
    run: clear,
  },
]

async function set(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const { payload, which, ...key } = payloadChangeOf(call.body)
  return writeResult(await collection.setPayload(payload, which, { ...call.writeOptions(), ...key }))
}

async function overwrite(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const { payload, which, ...key } = payloadChangeOf(call.body)
  return writeResult(await collection.overwritePayload(payload, which, { ...call.writeOptions(), ...key }))
}

async function deleteKeys(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const { keys, which } = payloadDeleteOf(call.body)
  return writeResult(await collection.deletePayload(keys, which, call.writeOptions()))
}

async function clear(call: Call): Promise<unknown> {
  const collection = await call.collection()
  return writeResult(await collection.clearPayload(deleteOf(call.body), call.writeOptions()))
}
