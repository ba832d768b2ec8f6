"""What people of the pocket world talk about: one table, so that adding a topic is adding a line.

Every thing and every act belongs to exactly one topic: the grammar tells on topic from off topic by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

TABLE = """
fishing | nets, hooks, boats, floats
  | mend the nets, sort the hooks, row the boats, salt the catch | the quay, the harbour
bread | loaves, ovens, crusts, rolls
  | knead the dough, heat the ovens, bake the loaves, slice the crusts | the bakery, the mill
bees | hives, combs, swarms, smokers
  | feed the swarms, clean the hives, press the combs, light the smokers | the meadow, the bee yard
gardening | seeds, hedges, weeds, roots
  | sow the seeds, trim the hedges, pull the weeds, water the roots | the garden, the shed
apples | apples, orchards, branches, ciders
  | pick the apples, prune the branches, press the ciders, walk the orchards | the old orchard, the press house
bridges | bridges, planks, arches, railings
  | cross the bridges, lay the planks, raise the arches, paint the railings | the river, the gate
clocks | clocks, springs, gears, dials
  | wind the clocks, oil the gears, set the dials, stretch the springs | the clock tower, the town hall
lamps | lamps, wicks, shades, lanterns
  | fill the lamps, cut the wicks, hang the lanterns, dust the shades | the porch, the lamp shop
pottery | pots, glazes, kilns, bowls
  | shape the pots, mix the glazes, fire the kilns, stack the bowls | the kiln yard, the clay pit
weaving | looms, threads, rugs, shuttles
  | set up the looms, dye the threads, weave the rugs, throw the shuttles | the weaving hall, the dye house
sheep | sheep, lambs, fleeces, pens
  | shear the sheep, count the lambs, wash the fleeces, close the pens | the hill, the fold
goats | goats, collars, fences, troughs
  | milk the goats, tie the collars, mend the fences, scrub the troughs | the pasture, the barn
hens | hens, eggs, nests, perches
  | call the hens, gather the eggs, line the nests, sand the perches | the coop, the farm
horses | horses, saddles, reins, hooves
  | brush the horses, fit the saddles, hold the reins, trim the hooves | the stable, the paddock
cheese | cheeses, curds, moulds, rinds
  | turn the cheeses, stir the curds, fill the moulds, wax the rinds | the dairy, the cellar
soup | soups, onions, ladles, broths
  | simmer the soups, chop the onions, skim the broths, polish the ladles | the kitchen, the inn
tea | teas, kettles, cups, leaves
  | steep the teas, boil the kettles, warm the cups, roll the leaves | the tea room, the terrace
maps | maps, scales, legends, compasses
  | draw the maps, check the scales, label the legends, hold the compasses | the map room, the archive
kites | kites, tails, strings, reels
  | fly the kites, knot the tails, wind the strings, turn the reels | the dunes, the field
drums | drums, sticks, skins, rhythms
  | tune the drums, carve the sticks, tighten the skins, practise the rhythms | the drum hall, the square
flutes | flutes, reeds, scores, melodies
  | play the flutes, soak the reeds, copy the scores, learn the melodies | the music room, the stage
books | books, pages, shelves, covers
  | bind the books, turn the pages, fill the shelves, press the covers | the library, the reading room
letters | letters, stamps, parcels, envelopes
  | write the letters, buy the stamps, wrap the parcels, seal the envelopes | the post office, the mail cart
painting | canvases, brushes, pigments, easels
  | prime the canvases, rinse the brushes, grind the pigments, fold the easels | the studio, the gallery
candles | candles, waxes, tapers, scents
  | dip the candles, melt the waxes, roll the tapers, blend the scents | the candle shop, the chapel
glass | windows, panes, beads, jars
  | clean the windows, cut the panes, string the beads, blow the jars | the glass works, the furnace
bells | bells, ropes, towers, chimes
  | ring the bells, pull the ropes, climb the towers, tune the chimes | the bell loft, the church
roofs | roofs, tiles, gutters, beams
  | patch the roofs, lay the tiles, clear the gutters, brace the beams | the attic, the builder yard
wells | wells, buckets, pumps, pulleys
  | dig the wells, lower the buckets, prime the pumps, grease the pulleys | the village green, the fountain
sleds | sleds, runners, slopes, scarves
  | pull the sleds, wax the runners, ride the slopes, knit the scarves | the snow hill, the lodge
camping | tents, pegs, stoves, blankets
  | pitch the tents, drive the pegs, light the stoves, air the blankets | the camp, the clearing
trails | trails, boots, signs, packs
  | mark the trails, lace the boots, read the signs, load the packs | the ridge, the forest
stars | stars, telescopes, lenses, charts
  | watch the stars, aim the telescopes, wipe the lenses, keep the charts | the hilltop, the dome
markets | stalls, baskets, awnings, prices
  | open the stalls, carry the baskets, raise the awnings, compare the prices | the market, the high street
ferries | ferries, decks, anchors, tickets
  | board the ferries, swab the decks, drop the anchors, show the tickets | the pier, the far shore
trains | trains, rails, whistles, wagons
  | ride the trains, inspect the rails, blow the whistles, couple the wagons | the station, the depot
bicycles | bicycles, tyres, chains, pedals
  | ride the bicycles, pump the tyres, oil the chains, turn the pedals | the lane, the repair shop
shoes | shoes, soles, laces, heels
  | polish the shoes, stitch the soles, tie the laces, fix the heels | the cobbler shop, the corner
quilts | quilts, patches, needles, hems
  | sew the quilts, cut the patches, thread the needles, fold the hems | the sewing room, the parlour
carving | spoons, knives, carvings, blocks
  | carve the spoons, sharpen the knives, finish the carvings, split the blocks | the workshop, the bench
mushrooms | mushrooms, caps, stems, spores
  | find the mushrooms, dry the caps, trim the stems, spread the spores | the woods, the log pile
berries | berries, jams, bushes, thorns
  | pick the berries, cook the jams, tend the bushes, avoid the thorns | the hillside, the jam kitchen
school | lessons, slates, pupils, desks
  | teach the lessons, wipe the slates, greet the pupils, move the desks | the school, the yard
puppets | puppets, plays, masks, curtains
  | move the puppets, stage the plays, wear the masks, draw the curtains | the theatre, the back room
"""


@dataclass(frozen=True)
class Topic:
    """One subject: plural things, verb phrases, places with their article."""

    name: str
    things: tuple[str, ...]
    acts: tuple[str, ...]
    places: tuple[str, ...]


def _row(line: str) -> Topic:
    name, things, acts, places = (part.strip() for part in line.split("|"))
    split = [tuple(item.strip() for item in part.split(",")) for part in (things, acts, places)]
    return Topic(name, split[0], split[1], split[2])


@cache
def topics() -> tuple[Topic, ...]:
    """All topics, in the order of the table."""
    return tuple(_row(line) for line in TABLE.replace("\n  |", " |").strip().splitlines())
