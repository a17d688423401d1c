#!/usr/bin/env node
// Figures of databases on an object store, one sub-command each. Needs the built product alone, and python3-moto where the
// store is `s3`. The defaults run in a minute; docs/design/stores.md has the commands of the published sizes.
//
//   node bench/store-figures.mjs cold      [--rows 5000] [--store file|s3] [--get-ms 0]
//   node bench/store-figures.mjs many      [--collections 200] [--used 10] [--seconds 5]
//   node bench/store-figures.mjs queries   [--rows 5000] [--seconds 5] [--connections 8]
//   node bench/store-figures.mjs ingest    [--rows 5000] [--put-ms 3,30,100] [--writes 20] [--settle 5] [--seconds 5]
//   node bench/store-figures.mjs opening   [--writes 500]
//   node bench/store-figures.mjs takeover  [--rounds 1] [--owner-timeout-ms 2000]
//   node bench/store-figures.mjs folder    [--rows 5000] [--seconds 2] [--runs 5] [--before FOLDER]
import { parseArgs } from 'node:util'

const text = (fallback) => ({ type: 'string', default: fallback })
const FIGURES = {
  cold: { rows: text('5000'), store: text('file'), 'get-ms': text('0') },
  many: { collections: text('200'), used: text('10'), seconds: text('5') },
  queries: { rows: text('5000'), seconds: text('5'), connections: text('8') },
  ingest: { rows: text('5000'), 'put-ms': text('3,30,100'), writes: text('20'), settle: text('5'), seconds: text('5') },
  opening: { writes: text('500') },
  takeover: { rounds: text('1'), 'owner-timeout-ms': text('2000') },
  folder: { rows: text('5000'), seconds: text('2'), runs: text('5'), before: text('') },
}

const [name, ...args] = process.argv.slice(2)
if (!Object.hasOwn(FIGURES, name ?? '')) {
  process.stderr.write(`store-figures: expected one of ${Object.keys(FIGURES).join(', ')}\n`)
  process.exit(2)
}
const { values } = parseArgs({ args, options: FIGURES[name] })
const { measure } = await import(`./figures/${name}.mjs`)
process.stdout.write(`\n${name} ${JSON.stringify(values)}\n\n${await measure(values)}\n`)
process.exit(0)
