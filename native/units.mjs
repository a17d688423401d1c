// The kernel's sources are compiled in units: a file that includes several of one folder. Parsing what they all include
// takes longer than compiling most of them, so a build takes half as long. Names in anonymous namespaces must therefore
// be unique in their folder.
//
// `node units.mjs INTO FOLDER…` writes the units below INTO and prints their paths; binding.gyp asks for them so, and
// scripts/test-native.mjs by `unitsOf`.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** Few enough for several cores to have something to do, and for a changed file to cost seconds. */
const MOST_LINES = 1200

/** Paths of units, each of sources of one folder of native/, written below `into` where they differ from what is there. */
export function unitsOf(folder, into) {
  mkdirSync(into, { recursive: true })
  const units = inUnits(sourcesIn(folder)).map((sources, at) => {
    const unit = join(into, `${folder}-${at}.cpp`)
    replaceUnless(sources.map(({ name }) => `#include "${folder}/${name}"\n`).join(''), unit)
    return unit
  })
  for (const name of readdirSync(into)) {
    if (isUnitOf(folder, name) && !units.includes(join(into, name))) rmSync(join(into, name), { force: true })
  }
  return units
}

const isUnitOf = (folder, name) => name.startsWith(`${folder}-`) && name.endsWith('.cpp')

/** What did not change keeps its time, so that make leaves its object alone. Two runs at once see the whole text or none. */
function replaceUnless(text, unit) {
  if (existsSync(unit) && readFileSync(unit, 'utf8') === text) return
  const fresh = `${unit}.${process.pid}`
  writeFileSync(fresh, text)
  renameSync(fresh, unit)
}

function sourcesIn(folder) {
  const path = fileURLToPath(new URL(folder, import.meta.url))
  return readdirSync(path)
    .filter((name) => name.endsWith('.cpp'))
    .sort()
    .map((name) => ({ name, lines: readFileSync(join(path, name), 'utf8').split('\n').length }))
}

function inUnits(sources) {
  const units = []
  let lines = Infinity
  for (const source of sources) {
    if (lines + source.lines > MOST_LINES) {
      units.push([])
      lines = 0
    }
    units.at(-1).push(source)
    lines += source.lines
  }
  return units
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [into, ...folders] = process.argv.slice(2)
  console.log(folders.flatMap((folder) => unitsOf(folder, into)).join(' '))
}
