import { createRequire } from 'node:module'

// Through `require`, so that this code and Lance share one instance of apache-arrow: Lance compares classes. Loaded
// by the first use of a table only, since it takes a tenth of a second.
const require = createRequire(import.meta.url)

export const arrow: typeof import('apache-arrow') = require('apache-arrow')
export const lancedb: typeof import('@lancedb/lancedb') = require('@lancedb/lancedb')
