import { PayloadChange, PayloadRemoval, PointsSelector } from '../../core/point-changes.js'
import { selected } from '../../wire/operations.js'
import type { Route } from '../call.js'
import { writes } from './kinds.js'

const PAYLOAD = '/collections/:name/points/payload'

export const payloadRoutes: Route[] = [
  writes('POST', PAYLOAD, 'Sets keys of payloads.', PayloadChange, (collection, change, options) => {
    const { payload, which, ...key } = selected(change)
    return collection.setPayload(payload, which, { ...options, ...key })
  }),
  writes('PUT', PAYLOAD, 'Replaces payloads.', PayloadChange, (collection, change, options) => {
    const { payload, which, ...key } = selected(change)
    return collection.overwritePayload(payload, which, { ...options, ...key })
  }),
  writes('POST', `${PAYLOAD}/delete`, 'Removes keys from payloads.', PayloadRemoval, (collection, change, options) =>
    collection.deletePayload(change.keys, selected(change).which, options),
  ),
  writes('POST', `${PAYLOAD}/clear`, 'Removes payloads.', PointsSelector, (collection, change, options) =>
    collection.clearPayload(selected(change).which, options),
  ),
]
