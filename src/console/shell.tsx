/** The frame of each page: navigation, the key, and the page of the place. */
import { useEffect, useRef } from 'preact/hooks'
import { ApiPage } from './pages/api'
import { BringPage } from './pages/bring'
import { CollectionPage } from './pages/collection'
import { OverviewPage } from './pages/overview'
import { PointsPage } from './pages/points'
import { QualityPage } from './pages/quality'
import { QuarantinePage } from './pages/quarantine'
import { QueryPage } from './pages/query'
import { RecallPage } from './pages/recall'
import { useAskedKey } from './parts/asked-key'
import { Boundary } from './parts/boundary'
import { focusContent, useKeptFocus } from './parts/focus'
import { KeyDialog } from './parts/key-dialog'
import { later } from './parts/later'
import { linkTo, type Place, usePlace } from './parts/place'
import { type Rights, rightsText } from './service/access'
import { useAsked } from './service/polled'
import { askRights, RightsOfTab, useMay } from './service/rights'
import { keyOfTab } from './service/session'

/** After rights could not be read. */
const ASK_AGAIN_MS = 3_000

const MapPage = later(async () => (await import('./pages/map')).MapPage)

export function Shell() {
  const place = usePlace()
  const key = useAskedKey()
  const { rights, error } = useRightsOfTab()
  useKeptFocus()
  useTitle(place)
  const name = place.path[0] === 'collections' ? place.path[1] : undefined
  return (
    <RightsOfTab.Provider value={rights}>
      <button type="button" class="skip" onClick={focusContent}>
        Skip to the content
      </button>
      <header class="bar">
        <a class="brand" href={linkTo([])}>
          <img src="./mark.svg" alt="" width="22" height="22" /> Vicinal
        </a>
        {name !== undefined && <CollectionTabs name={name} place={place} />}
        <a class="api" href={linkTo(['api'])} aria-current={place.path[0] === 'api' ? 'page' : undefined}>
          API
        </a>
        <span class="caller quiet small" role="status">
          {rights && `${rights.subject}: ${rightsText(rights)}`}
          {!rights && error && `Rights could not be read: ${error.message}`}
        </span>
        <button type="button" class="plain" onClick={key.ask}>
          {keyOfTab() === null ? 'Key' : 'Key ✓'}
        </button>
      </header>
      <main id="main" tabIndex={-1}>
        <Boundary key={place.path.join('/')}>
          <Page place={place} />
        </Boundary>
      </main>
      {key.isAsked && <KeyDialog onDone={() => key.onDone(true)} onCancel={() => key.onDone(false)} />}
    </RightsOfTab.Provider>
  )
}

/** Asked for each key, and again as long as the answer fails. */
function useRightsOfTab(): { rights: Rights | null; error: Error | null } {
  const { value, error, again } = useAsked(askRights, [])
  useEffect(() => {
    if (error === null) return
    const timer = setTimeout(again, ASK_AGAIN_MS)
    return () => clearTimeout(timer)
  }, [error, again])
  return { rights: error ? null : value, error }
}

/** The document is named by its place, and the focus goes to the heading of each further one. */
function useTitle({ path }: Place): void {
  const isFirst = useRef(true)
  const title = titleOf(path)
  useEffect(() => {
    document.title = `${title} · Vicinal`
    if (!isFirst.current) {
      focusContent()
      scrollTo(0, 0)
    }
    isFirst.current = false
  }, [title])
}

function titleOf([room, name, tab = '']: Place['path']): string {
  if (room === undefined) return 'Overview'
  if (room === 'api') return 'API'
  const text = TABS.find(([one]) => one === tab)?.[1]
  if (room !== 'collections' || name === undefined || text === undefined) return 'No such page'
  return tab === '' ? name : `${text} of ${name}`
}

const TABS = [
  ['', 'Collection'],
  ['points', 'Points'],
  ['query', 'Query'],
  ['recall', 'Recall'],
  ['quality', 'Quality'],
  ['map', 'Map'],
  ['quarantine', 'Quarantine'],
  ['bring', 'Bring data'],
] as const

function CollectionTabs({ name, place }: { name: string; place: Place }) {
  const mayWrite = useMay('points', name)
  return (
    <nav class="tabs" aria-label={`Collection ${name}`}>
      <span class="quiet name">{name}</span>
      {TABS.filter(([tab]) => tab !== 'bring' || mayWrite).map(([tab, text]) => (
        <a
          key={tab}
          href={linkTo(['collections', name, ...(tab ? [tab] : [])])}
          aria-current={(place.path[2] ?? '') === tab ? 'page' : undefined}
        >
          {text}
        </a>
      ))}
    </nav>
  )
}

function Page({ place }: { place: Place }) {
  const [room, name, tab = ''] = place.path
  if (room === undefined) return <OverviewPage />
  if (room === 'api') return <ApiPage asked={place.query.get('route')} />
  if (room === 'collections' && name !== undefined) {
    if (tab === '') return <CollectionPage key={name} name={name} />
    if (tab === 'points') return <PointsPage key={name} name={name} ids={place.query.get('ids')} />
    if (tab === 'map') return <MapPage key={name} name={name} />
    if (tab === 'quarantine') return <QuarantinePage key={name} name={name} />
    if (tab === 'quality') return <QualityPage key={name} name={name} />
    if (tab === 'bring') return <BringPage key={name} name={name} />
    if (tab === 'recall') return <RecallPage key={name} name={name} />
    if (tab === 'query') return <QueryPage key={name} name={name} asked={place.query.get('id')} />
  }
  return (
    <p>
      There is no such page. <a href={linkTo([])}>Back to the overview</a>
    </p>
  )
}
