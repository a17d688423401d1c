// The kernel's sources are compiled in units: a file that includes several of one folder. Parsing what they all include
// takes longer than compiling most of them, so a build takes half as long. Names in anonymous namespaces must therefore
// be unique in their folder; those of tests need not, since each of their files is in a namespace of its own.
//
// `node units.mjs INTO FOLDER…` writes the units below INTO and prints their paths; binding.gyp asks for them so, and
// scripts/test-native.mjs by `unitsOf`.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** Few enough for several cores to have something to do, and for a changed file to cost seconds. */
const MOST_LINES = 1200

/** Paths of units, each of sources of one folder of native/. Changed units are written below `into`. */
export const unitsOf = (folder, into) => written(folder, sourcesIn(folder), into, includesOf)

/**
 * The same of test files, given by name, that say nothing outside namespaces but `using namespace`. Their includes come
 * first, so that the guards of headers make them empty within the namespaces.
 */
export const testUnitsOf = (names, into) =>
  written(
    'test',
    sourcesIn('test').filter(({ name }) => names.includes(name)),
    into,
    isolated,
  )

function written(folder, sources, into, textOf) {
  mkdirSync(into, { recursive: true })
  const units = inUnits(sources).map((together, at) => {
    const unit = join(into, `${folder}-${at}.cpp`)
    replaceUnless(textOf(folder, together), unit)
    return unit
  })
  for (const name of readdirSync(into)) {
    if (isUnitOf(folder, name) && !units.includes(join(into, name))) rmSync(join(into, name), { force: true })
  }
  return units
}

const includesOf = (folder, sources) => sources.map(({ name }) => `#include "${folder}/${name}"\n`).join('')

/** The includes of a file, with the condition that they are under. */
const INCLUDES = /^#if.*\n(?:#include .*\n)+#endif|^#include .*$/gm
/** Lines with another meaning within a namespace, or with an effect on the file behind. */
const NOT_ALONE = /^(?:[ \t]+#[ \t]*include|#[ \t]+include|[ \t]*#[ \t]*define|namespace vicinal)/m

function isolated(folder, sources) {
  for (const { name, text } of sources) {
    const found = NOT_ALONE.exec(text)
    if (found)
      throw new Error(`${folder}/${name}: tests are compiled together, so there can be no "${found[0].trim()}"`)
  }
  const headers = new Set(sources.flatMap(({ text }) => text.match(INCLUDES) ?? []))
  const files = sources.map(
    (source) => `namespace ${source.name.replace('.cpp', '')} {\n${includesOf(folder, [source])}}\n`,
  )
  return [...[...headers].sort().map((line) => `${line}\n`), ...files].join('')
}

const isUnitOf = (folder, name) => name.startsWith(`${folder}-`) && name.endsWith('.cpp')

/** Unchanged text keeps its time, so that make leaves its object alone. Two runs at once see the whole text or none. */
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
    .map((name) => ({ name, text: readFileSync(join(path, name), 'utf8') }))
}

function inUnits(sources) {
  const units = []
  let lines = Infinity
  for (const source of sources) {
    const { length } = source.text.split('\n')
    if (lines + length > MOST_LINES) {
      units.push([])
      lines = 0
    }
    units.at(-1).push(source)
    lines += length
  }
  return units
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [into, ...folders] = process.argv.slice(2)
  console.log(folders.flatMap((folder) => unitsOf(folder, into)).join(' '))
}
