import { PayloadChange, PayloadRemoval, PointsSelector } from '../../core/point-changes.js'
import { deleteOf, payloadChangeOf, payloadDeleteOf } from '../../wire/operations.js'
import type { Call, Route } from '../call.js'
import { WRITE, writeResult } from './write-result.js'

const PAYLOAD = '/collections/:name/points/payload'

export const payloadRoutes: Route[] = [
  { method: 'POST', path: PAYLOAD, ...WRITE, summary: 'Sets keys of payloads.', body: PayloadChange, run: set },
  { method: 'PUT', path: PAYLOAD, ...WRITE, summary: 'Replaces payloads.', body: PayloadChange, run: overwrite },
  {
    method: 'POST',
    path: `${PAYLOAD}/delete`,
    ...WRITE,
    summary: 'Removes keys from payloads.',
    body: PayloadRemoval,
    run: deleteKeys,
  },
  {
    method: 'POST',
    path: `${PAYLOAD}/clear`,
    ...WRITE,
    summary: 'Removes payloads.',
    body: PointsSelector,
    run: clear,
  },
]

async function set(call: Call): Promise<unknown> {
  const { payload, which, ...key } = payloadChangeOf(call.anyBody)
  const collection = await call.collection()
  return writeResult(await collection.setPayload(payload, which, { ...call.writeOptions(), ...key }))
}

async function overwrite(call: Call): Promise<unknown> {
  const { payload, which, ...key } = payloadChangeOf(call.anyBody)
  const collection = await call.collection()
  return writeResult(await collection.overwritePayload(payload, which, { ...call.writeOptions(), ...key }))
}

async function deleteKeys(call: Call): Promise<unknown> {
  const { keys, which } = payloadDeleteOf(call.anyBody)
  const collection = await call.collection()
  return writeResult(await collection.deletePayload(keys, which, call.writeOptions()))
}

async function clear(call: Call): Promise<unknown> {
  const which = deleteOf(call.anyBody)
  return writeResult(await (await call.collection()).clearPayload(which, call.writeOptions()))
}
