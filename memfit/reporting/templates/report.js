"use strict";
// Values under the pointer; figures that enlarge and zoom, by pointer and by keyboard. The report is complete without.
(function () {
  function share(value, from, to) { return (value - from) / (to - from); }
  function along(part, limits, log) {
    if (!log) { return limits[0] + part * (limits[1] - limits[0]); }
    return Math.pow(10, Math.log10(limits[0]) + part * (Math.log10(limits[1]) - Math.log10(limits[0])));
  }
  function text(value) {
    var size = Math.abs(value);
    return (size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(3) : value.toPrecision(4)).replace(/-/g, "−");
  }
  function equip(svg) {
    var frames = JSON.parse(svg.getAttribute("data-axes")), figure = svg.parentNode;
    var whole = svg.getAttribute("viewBox").split(/[ ,]+/).map(Number), view = whole.slice();
    var note = document.createElement("output"), button = document.createElement("button"), band = null, start = null;
    var name = svg.getAttribute("aria-label");
    note.className = "readout"; note.hidden = true; note.setAttribute("aria-live", "polite");
    button.className = "enlarge"; button.type = "button"; button.textContent = "⤢";
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-label", "Enlarge. " + name);
    button.title = "Enlarge; + and − zoom, arrows move, Escape shows all";
    figure.appendChild(note); svg.insertAdjacentElement("afterend", button);

    function point(event) { // in the coordinates of the drawing
      var box = svg.getBoundingClientRect();
      return [view[0] + share(event.clientX, box.left, box.right) * view[2], view[1] + share(event.clientY, box.top, box.bottom) * view[3]];
    }
    function values(at) {
      var x = share(at[0], whole[0], whole[0] + whole[2]), y = 1 - share(at[1], whole[1], whole[1] + whole[3]);
      return frames.map(function (f) {
        var across = share(x, f.box[0], f.box[2]), up = share(y, f.box[1], f.box[3]);
        if (across < 0 || across > 1 || up < 0 || up > 1) { return ""; }
        return f.x + " " + text(along(across, f.xlim, f.xlog)) + ", " + f.y + " " + text(along(up, f.ylim, f.ylog));
      }).join("");
    }
    function show(words, left, top) {
      note.textContent = words; note.hidden = !words;
      note.style.left = Math.max(0, Math.min(left, figure.clientWidth - note.offsetWidth)) + "px";
      note.style.top = top + "px";
    }
    function look(to) {
      var size = Math.min(1, Math.max(0.02, to[2] / whole[2]));
      view = [0, 0, whole[2] * size, whole[3] * size];
      view[0] = Math.min(Math.max(to[0], whole[0]), whole[0] + whole[2] - view[2]);
      view[1] = Math.min(Math.max(to[1], whole[1]), whole[1] + whole[3] - view[3]);
      svg.setAttribute("viewBox", view.join(" "));
      figure.classList.toggle("zoomed", size < 1);
    }
    function zoom(factor) {
      look([view[0] + view[2] * (1 - factor) / 2, view[1] + view[3] * (1 - factor) / 2, view[2] * factor]);
    }
    function enlarge() {
      var large = figure.classList.toggle("large");
      button.setAttribute("aria-pressed", String(large));
      if (!large) { look(whole); }
      figure.scrollIntoView({ block: "nearest" });
    }
    function finish(event) {
      if (!start) { return; }
      var end = point(event), width = Math.abs(end[0] - start[0]), height = Math.abs(end[1] - start[1]);
      var size = Math.max(width, height * whole[2] / whole[3]), corner = [Math.min(end[0], start[0]), Math.min(end[1], start[1])];
      start = null;
      if (band) { band.remove(); band = null; }
      if (size > 0.04 * view[2]) { look([corner[0], corner[1], size]); }
    }

    svg.addEventListener("pointerdown", function (event) {
      if (event.pointerType === "mouse" && event.button === 0) { start = point(event); event.preventDefault(); }
    });
    svg.addEventListener("pointermove", function (event) {
      var box = figure.getBoundingClientRect(), at = point(event);
      show(values(at), event.clientX - box.left + 12, event.clientY - box.top + 16);
      if (!start) { return; }
      if (!band) {
        band = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        band.setAttribute("class", "band"); svg.appendChild(band);
      }
      band.setAttribute("x", Math.min(at[0], start[0])); band.setAttribute("width", Math.abs(at[0] - start[0]));
      band.setAttribute("y", Math.min(at[1], start[1])); band.setAttribute("height", Math.abs(at[1] - start[1]));
    });
    svg.addEventListener("pointerup", finish);
    svg.addEventListener("pointerleave", function () { show("", 0, 0); start = null; if (band) { band.remove(); band = null; } });
    svg.addEventListener("dblclick", function () { look(whole); });
    button.addEventListener("click", enlarge);
    button.addEventListener("blur", function () { show("", 0, 0); });
    button.addEventListener("keydown", function (event) {
      var steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }, step = steps[event.key];
      if (event.key === "+" || event.key === "=") { zoom(0.7); }
      else if (event.key === "-" || event.key === "−") { zoom(1 / 0.7); }
      else if (event.key === "Escape" || event.key === "0") { look(whole); }
      else if (step) { look([view[0] + 0.15 * step[0] * view[2], view[1] + 0.15 * step[1] * view[3], view[2]]); }
      else { return; }
      event.preventDefault();
      show(values([view[0] + view[2] / 2, view[1] + view[3] / 2]), 0, 0);
    });
  }
  document.querySelectorAll("svg[data-axes]").forEach(equip);
}());
