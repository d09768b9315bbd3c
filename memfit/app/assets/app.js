// Redraws the model curves while a slider moves: numbers come end to end, the figures stand already. A line
// that is drawn gets its new path at once, by the scales of its own axes; once nothing has moved for a moment the
// library is told, so that zoom and pan go on from there. Where a line is not found, the library draws it.
(function () {
  const SETTLED = 300;  // ms
  let later = null;

  const pathOf = (x, y, across, up) => {
    let path = '', pen = 'M';
    for (let k = 0; k < x.length; k++) {
      const px = across.d2p(x[k]), py = up.d2p(y[k]);
      if (Number.isFinite(px) && Number.isFinite(py)) {
        path += pen + px.toFixed(1) + ',' + py.toFixed(1);
        pen = 'L';
      } else {
        pen = 'M';
      }
    }
    return path;
  };

  const atOnce = (graph, data, lines) => {
    const full = graph._fullLayout, drawn = new Map();
    if (!full || !full.xaxis || !full.xaxis.d2p || !full.yaxis.d2p) { return false; }
    graph.querySelectorAll('.scatterlayer .trace').forEach((one) => {
      const trace = one.__data__ && one.__data__[0] && one.__data__[0].trace;
      const line = one.querySelector('path.js-line');
      if (trace && line) { drawn.set(trace.index, line); }
    });
    if (!lines.every((k) => drawn.has(k))) { return false; }
    lines.forEach((k, place) => {
      drawn.get(k).setAttribute('d', pathOf(data[place].x, data[place].y, full.xaxis, full.yaxis));
    });
    return true;
  };

  const byLibrary = ([graph, data, lines]) => window.Plotly.animate(graph, {data: data, traces: lines},
    {mode: 'immediate', transition: {duration: 0}, frame: {duration: 0, redraw: false}});

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    memfit: {
      draw: async function (curves) {
        if (!curves) { return window.dash_clientside.no_update; }
        const numbers = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
        const x = numbers(curves.x), y = numbers(curves.y), jobs = [];
        let at = 0;
        curves.sizes.forEach((sizes, panel) => {
          const graph = document.querySelector('#fit-' + panel + ' .js-plotly-plot');
          const data = sizes.map((size) => {
            const one = {x: x.slice(at, at + size), y: y.slice(at, at + size)};
            at += size;
            return one;
          });
          if (!graph || !data.length) { return; }
          const lines = graph.data.map((trace, k) => trace.meta === 'model' ? k : -1).filter((k) => k >= 0);
          if (lines.length === data.length) { jobs.push([graph, data, lines]); }
        });
        clearTimeout(later);
        soon();
        if (jobs.every((job) => atOnce(...job))) {
          later = setTimeout(() => jobs.forEach((job) => job[0].isConnected && byLibrary(job)), SETTLED);
        } else {
          await Promise.allSettled(jobs.map(byLibrary));
        }
        return performance.now();
      },
      letGo: function () {
        clearTimeout(resting);
        resting = setTimeout(tell, STILL);
        return window.dash_clientside.no_update;
      }
    }
  });

  // A step is taken once a slider rests, so that it does not compete with the curves of the next key; whatever
  // else is clicked or pressed comes after it.
  const STILL = 150;  // ms
  let resting = null;
  const tell = () => {
    clearTimeout(resting);
    resting = null;
    window.dash_clientside.set_props('let-go', {data: {path: window.location.pathname, at: performance.now()}});
  };
  const soon = () => { if (resting !== null) { clearTimeout(resting); resting = setTimeout(tell, STILL); } };
  const now = () => { if (resting !== null) { tell(); } };
  document.addEventListener('pointerdown', now, true);
  document.addEventListener('keydown', (event) => /^(Arrow|Page|Home|End)/.test(event.key) ? soon() : now(), true);
})();

// Lists of the framework are inputs of the browser with roles that hide what they are from screen readers:
// a focus target that is said to be hidden, options that hold another control. The roles are taken off.
(function () {
  const nameOf = (one) => {
    const label = one.closest('label');
    return (label && label.querySelector('.unseen') || {}).textContent || one.closest('[id]')?.id || 'choice';
  };
  const mend = () => {
    document.querySelectorAll('.dash-dropdown-focus-target[aria-hidden]').forEach((one) => {
      one.removeAttribute('aria-hidden');
      one.setAttribute('aria-label', nameOf(one));
    });
    document.querySelectorAll('.dash-options-list[role=listbox]').forEach((one) => {
      one.setAttribute('role', 'group');
      one.setAttribute('aria-label', (one.id || 'choice').replace(/[^a-z]+/gi, ' ').trim());
    });
    document.querySelectorAll('label[role=option]').forEach((one) => {
      one.removeAttribute('role');
      one.removeAttribute('aria-selected');
    });
    document.querySelectorAll('.dash-slider-thumb:not([aria-label])').forEach((one) => {
      const of = one.closest('.parameter');
      const symbol = of && of.querySelector('.symbol');
      const above = one.closest('[id]')?.id || 'slider';
      one.setAttribute('aria-label', symbol ? symbol.title : above);
    });
    document.querySelectorAll('input[type=file]:not([aria-label])').forEach((one) => {
      one.setAttribute('aria-label', 'files to drop');
    });
  };
  new MutationObserver(mend).observe(document, {childList: true, subtree: true});
})();
