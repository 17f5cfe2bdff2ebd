// The images of a vendor's releases. A page of the catalogue:
//
//   {"releases": [{"name": "2026.1", "date": "2026-01-15", "images": ["registry.example/app:2026.1"]}], "next": "https://…"}
import { log } from 'image-transfer:plugin/log@0.1.0';
import schema from './schema.js';

// An error of the contract is thrown as it is. Anything else that is thrown ends the instance.
function fail(tag, val) {
  throw { tag, val };
}

class Enumerator {
  constructor(options, next) {
    this.since = options.since ?? '';
    this.origin = new URL(options.catalogue).origin;
    this.page = next;
  }

  static open(config, position) {
    const options = JSON.parse(config);
    const next = position ?? options.catalogue;
    const enumerator = new Enumerator(options, next);
    if (new URL(next).origin !== enumerator.origin) fail('invalid-config', 'the position is of another catalogue');
    return enumerator;
  }

  // A page. Until it is read whole nothing changes, so that the host can ask for the same again.
  async next() {
    if (this.page === undefined) return undefined;
    const page = await read(this.page);
    const images = page.releases.filter(({ date }) => date >= this.since).flatMap(imagesOf);
    log('info', `${images.length} images of ${this.page}`);
    this.page = page.next ? new URL(page.next, this.page).href : undefined;
    return images;
  }

  position() {
    return this.page;
  }
}

async function read(url) {
  let response;
  try {
    response = await fetch(url, { headers: { accept: 'application/json' } });
  } catch (error) {
    fail('unavailable', `the catalogue cannot be reached: ${error.message}`);
  }
  if (response.status === 429) {
    const seconds = Number(response.headers.get('retry-after'));
    fail('rate-limited', seconds > 0 ? seconds : undefined);
  }
  if (response.status !== 200) {
    fail(response.status >= 500 ? 'unavailable' : 'fatal', `the catalogue answered with status ${response.status}`);
  }
  try {
    const page = await response.json();
    if (Array.isArray(page.releases)) return page;
  } catch {
    // Told below.
  }
  return fail('fatal', `${url} is no page of releases`);
}

function imagesOf({ name, images }) {
  return images.map((image) => {
    const parts = /^([^/]+)\/(.+):([^:]+)$/.exec(image);
    if (!parts) fail('fatal', `release ${name} lists ${image}: expected registry/repository:tag`);
    const [, registry, repository, tag] = parts;
    return { source: { registry, repository, tag, digest: undefined }, targets: [], attributes: [['release', name]] };
  });
}

export const source = { Enumerator };

export const pluginInfo = {
  describe() {
    return {
      name: 'releases',
      version: '0.1.0',
      summary: "moves the images of a vendor's releases",
      configSchema: schema,
      hosts: [],
    };
  },
};
