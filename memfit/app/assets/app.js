// Redraws the model curves while a slider moves: numbers come end to end, the figures stand already.
window.dash_clientside = Object.assign({}, window.dash_clientside, {
  memfit: {
    draw: async function (curves) {
      if (!curves) { return window.dash_clientside.no_update; }
      const numbers = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
      const x = numbers(curves.x), y = numbers(curves.y);
      let at = 0;
      const jobs = [];
      curves.sizes.forEach((sizes, panel) => {
        const graph = document.querySelector('#fit-' + panel + ' .js-plotly-plot');
        const data = sizes.map((size) => {
          const one = {x: x.slice(at, at + size), y: y.slice(at, at + size)};
          at += size;
          return one;
        });
        if (!graph || !data.length) { return; }
        const lines = graph.data.map((trace, k) => trace.meta === 'model' ? k : -1).filter((k) => k >= 0);
        if (lines.length !== data.length) { return; }
        jobs.push(window.Plotly.animate(graph, {data: data, traces: lines},
          {mode: 'immediate', transition: {duration: 0}, frame: {duration: 0, redraw: false}}));
      });
      await Promise.allSettled(jobs);
      return performance.now();
    }
  }
});

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
